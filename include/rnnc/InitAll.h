// InitAll.h - registers all dialects, extensions and passes of the project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_INITALL_H
#define RNNC_INITALL_H

#include "mlir/IR/DialectRegistry.h"

namespace rnnc {

/// Every dialect that a phase prints, with the extensions its ops promise.
void registerAllDialects(mlir::DialectRegistry &registry);

/// Every pass that `rnn-opt` can run alone.
void registerAllPasses();

} // namespace rnnc

#endif // RNNC_INITALL_H
