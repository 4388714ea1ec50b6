// Interface.h: what models offer and what their functions take and give.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Attributes of functions, arguments and the module; see Interface.td.

#ifndef RNNC_DIALECT_INTERFACE_INTERFACE_H
#define RNNC_DIALECT_INTERFACE_INTERFACE_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

#include "rnnc/Dialect/Interface/InterfaceDialect.h.inc"
#include "rnnc/Dialect/Interface/InterfaceEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "rnnc/Dialect/Interface/InterfaceAttrs.h.inc"

namespace rnnc::interface {

inline constexpr llvm::StringLiteral kSlot = "rnnc.slot";
inline constexpr llvm::StringLiteral kFunction = "rnnc.function";
inline constexpr llvm::StringLiteral kInterface = "rnnc.interface";

/// The dimension that every function of a model has.
inline constexpr llvm::StringLiteral kBatch = "batch";

/// What a function says of itself; null if it says nothing.
FunctionAttr functionOf(mlir::Operation *function);

/// Whether a function stands on buffers and its callers know its dimensions.
bool hasDims(mlir::Operation *function);

/// What an argument holds; null where nothing says it.
SlotAttr slotOf(mlir::FunctionOpInterface function, unsigned argument);
/// The same of a value, which has to be an argument of a function.
SlotAttr slotOf(mlir::Value value);
SlotAttr resultSlotOf(mlir::FunctionOpInterface function, unsigned result);

/// The name of the size of an argument: null where it is a number or unknown.
mlir::StringAttr sizeName(mlir::FunctionOpInterface function, unsigned argument,
                          int64_t dim);

/// A slot as the attributes of an argument or a result.
mlir::DictionaryAttr attributesOf(SlotAttr slot);

} // namespace rnnc::interface

#endif // RNNC_DIALECT_INTERFACE_INTERFACE_H
