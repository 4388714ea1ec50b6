// Grad.h: the grad dialect: requests for gradients, clipping, updates.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_DIALECT_GRAD_GRAD_H
#define RNNC_DIALECT_GRAD_GRAD_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "rnnc/Dialect/Grad/GradDialect.h.inc"

namespace rnnc::grad {
/// tensor<f64>, the type of rates, counters and norms.
mlir::RankedTensorType getScalarType(mlir::MLIRContext *context);
bool isScalarType(mlir::Type type);
} // namespace rnnc::grad

#define GET_OP_CLASSES
#include "rnnc/Dialect/Grad/Grad.h.inc"

#endif // RNNC_DIALECT_GRAD_GRAD_H
