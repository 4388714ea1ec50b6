// RNN.h - the rnn dialect: ops, types and attributes.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_DIALECT_RNN_RNN_H
#define RNNC_DIALECT_RNN_RNN_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "rnnc/Dialect/RNN/RNNDialect.h.inc"
#include "rnnc/Dialect/RNN/RNNEnums.h.inc"
#define GET_ATTRDEF_CLASSES
#include "rnnc/Dialect/RNN/RNNAttrs.h.inc"
#define GET_TYPEDEF_CLASSES
#include "rnnc/Dialect/RNN/RNNTypes.h.inc"
#define GET_OP_CLASSES
#include "rnnc/Dialect/RNN/RNN.h.inc"

namespace rnnc::rnn {

/// `[T, 2*H]`: axes as the language writes them, for messages.
std::string spell(llvm::ArrayRef<AxisAttr> axes);
/// `[T] in V`, `real`: a type as the language writes it.
std::string spell(ValueType type);

/// The type of an elementwise function of `a` and `b`: the larger one, if the
/// axes of the other are its last axes; null otherwise. The kind is that of
/// `a`.
ValueType suffixType(ValueType a, ValueType b);

/// Whether an op draws random numbers when training; `tied` is the axis along
/// which they stay the same, if there is one.
bool draws(mlir::Operation *op, AxisAttr &tied);

/// Whether an op is part of how a law draws: nothing of the loss needs it.
bool isInSample(mlir::Operation *op);

/// Axes that become other ones: one or several on one side, one on the other.
struct AxisGroup {
  unsigned from, to; ///< numbers of axes
};
/// The groups by which `as` takes one list of axes for the other; nothing if
/// they do not fit.
std::optional<llvm::SmallVector<AxisGroup>>
regroup(llvm::ArrayRef<AxisAttr> from, llvm::ArrayRef<AxisAttr> to);

} // namespace rnnc::rnn

#endif // RNNC_DIALECT_RNN_RNN_H
