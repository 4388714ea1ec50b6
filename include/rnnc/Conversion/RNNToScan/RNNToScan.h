// RNNToScan.h: the pass from the rnn dialect to the scan dialect.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_CONVERSION_RNNTOSCAN_RNNTOSCAN_H
#define RNNC_CONVERSION_RNNTOSCAN_RNNTOSCAN_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"
#include "rnnc/Dialect/Grad/Grad.h"
#include "rnnc/Dialect/Scan/Scan.h"

namespace rnnc {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "rnnc/Conversion/RNNToScan/Passes.h.inc"

} // namespace rnnc

#endif // RNNC_CONVERSION_RNNTOSCAN_RNNTOSCAN_H
