// Passes.h: the passes that serve the pipeline itself.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_PIPELINE_PASSES_H
#define RNNC_PIPELINE_PASSES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace rnnc::pipeline {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "rnnc/Pipeline/Passes.h.inc"

} // namespace rnnc::pipeline

#endif // RNNC_PIPELINE_PASSES_H
