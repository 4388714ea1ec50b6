// Verify.cpp: what the attributes of an interface must be.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "rnnc/Dialect/Interface/Interface.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace rnnc;
using namespace rnnc::interface;

using EmitFn = function_ref<InFlightDiagnostic()>;

//===----------------------------------------------------------------------===//
// Attributes by themselves
//===----------------------------------------------------------------------===//

static bool isName(Attribute attribute) {
  auto name = dyn_cast<StringAttr>(attribute);
  return name && !name.getValue().empty();
}

/// A number, or the name of a dimension.
static bool isSize(Attribute attribute) {
  auto number = dyn_cast<IntegerAttr>(attribute);
  return number ? number.getType().isSignlessInteger(64) && number.getInt() >= 0
                : isName(attribute);
}

static LogicalResult verifyShape(EmitFn emitError, ArrayAttr shape) {
  if (shape && !llvm::all_of(shape, isSize))
    return emitError() << shape << " is no list of sizes and dimensions";
  return success();
}

/// A list of attributes of one kind.
template <typename T>
static LogicalResult verifyList(EmitFn emitError, StringRef what,
                                ArrayAttr list) {
  if (!llvm::all_of(list, llvm::IsaPred<T>))
    return emitError() << what << " have something else among them";
  return success();
}

/// What is known of every axis, once for each.
static LogicalResult verifyAxes(EmitFn emitError, StringAttr name,
                                ArrayAttr axes, ArrayAttr shape) {
  if (name.getValue().empty())
    return emitError() << "a name is empty";
  if (!llvm::all_of(axes, isName))
    return emitError() << "axes of " << name << " are no names";
  if (axes.size() != shape.size())
    return emitError() << name << " has " << axes.size() << " axes and "
                       << shape.size() << " sizes";
  return verifyShape(emitError, shape);
}

LogicalResult SlotAttr::verify(EmitFn emitError, Role role, StringAttr name,
                               ArrayAttr shape, bool) {
  if (bool(shape) == (role == Role::Workspace))
    return emitError() << "the role " << stringifyRole(role)
                       << (shape ? " has no sizes" : " has sizes");
  return verifyShape(emitError, shape);
}

LogicalResult FunctionAttr::verify(EmitFn emitError, StringAttr,
                                   StringAttr name, ArrayAttr dims,
                                   int64_t results) {
  if (name.getValue().empty())
    return emitError() << "a function has a name";
  if (dims && !llvm::all_of(dims, isName))
    return emitError() << "dimensions are names, not " << dims;
  if (dims)
    for (auto [i, dim] : llvm::enumerate(dims))
      if (llvm::is_contained(dims.getValue().take_front(i), dim))
        return emitError() << "dimension " << dim << " is named twice";
  if (results < 0)
    return emitError() << "results = " << results << " is no number of results";
  return success();
}

LogicalResult ParameterAttr::verify(EmitFn emitError, StringAttr name,
                                    ArrayAttr shape, ArrayAttr axes,
                                    DictionaryAttr, bool, int64_t offset) {
  if (failed(verifyAxes(emitError, name, axes, shape)))
    return failure();
  if (!llvm::all_of(shape, llvm::IsaPred<IntegerAttr>))
    return emitError() << "parameter " << name << " has a size that is known "
                       << "only when the program runs";
  if (offset < 0)
    return emitError() << "parameter " << name << " starts at " << offset;
  return success();
}

LogicalResult PortAttr::verify(EmitFn emitError, StringAttr name,
                               StringAttr kind, ArrayAttr axes, ArrayAttr shape,
                               StringAttr axis, Attribute size,
                               DictionaryAttr) {
  if (!llvm::is_contained({"real", "index", "int", "bit"}, kind.getValue()))
    return emitError() << name << " is of the kind " << kind;
  if ((kind.getValue() == "index") != bool(axis) || bool(axis) != bool(size))
    return emitError() << name << ": an index, and nothing else, says `in` "
                       << "which axis";
  if (size && !isSize(size))
    return emitError() << name << ": " << size << " is no size";
  return verifyAxes(emitError, name, axes, shape);
}

LogicalResult ModuleAttr::verify(EmitFn emitError, StringAttr name,
                                 StringAttr kind, StringAttr,
                                 ArrayAttr parameters, ArrayAttr inputs,
                                 ArrayAttr outputs, ArrayAttr states,
                                 ArrayAttr exports, DictionaryAttr) {
  if (!llvm::is_contained({"model", "layer", "cell"}, kind.getValue()))
    return emitError() << name << " is of the kind " << kind;
  if (failed(verifyList<ParameterAttr>(emitError, "parameters", parameters)) ||
      failed(verifyList<PortAttr>(emitError, "inputs", inputs)) ||
      failed(verifyList<PortAttr>(emitError, "outputs", outputs)) ||
      failed(verifyList<PortAttr>(emitError, "states", states)))
    return failure();
  return verifyList<DictionaryAttr>(emitError, "exports", exports);
}

LogicalResult InterfaceAttr::verify(EmitFn emitError, StringAttr precision,
                                    ArrayAttr modules) {
  if (precision.getValue() != "f32" && precision.getValue() != "f64")
    return emitError() << "precision is f32 or f64, not " << precision;
  return verifyList<ModuleAttr>(emitError, "modules", modules);
}

//===----------------------------------------------------------------------===//
// Where they stand
//===----------------------------------------------------------------------===//

static LogicalResult verifyFunction(Operation *op, Attribute value) {
  auto function = dyn_cast<FunctionOpInterface>(op);
  auto known = dyn_cast<FunctionAttr>(value);
  if (!function || !known)
    return op->emitError() << kFunction
                           << " is a #rnnc.function, of a function";
  if (known.getResults() > int64_t(function.getNumArguments()))
    return op->emitError() << kFunction << " has more results than the "
                           << "function has arguments";
  return success();
}

/// Marks from one pass to the next.
static LogicalResult verifyMark(Operation *op, NamedAttribute attribute) {
  StringRef name = attribute.getName().strref();
  Attribute value = attribute.getValue();
  bool fits;
  if (name == "rnnc.phase")
    fits = isa<ModuleOp>(op) && isa<StringAttr>(value);
  else if (name == "rnnc.launches")
    fits = isa<ModuleOp>(op) && isa<ArrayAttr>(value);
  else if (llvm::is_contained({"rnnc.kernel", "rnnc.accumulate_f64",
                               "rnnc.independent", "rnnc.lowered", "rnnc.part",
                               "rnnc.context"},
                              name))
    fits = isa<UnitAttr>(value);
  else if (name == "rnnc.grid")
    fits = isa<SymbolRefAttr>(value);
  else if (name == "rnnc.cut_from" || name == "rnnc.cost")
    fits = isa<IntegerAttr>(value);
  else
    return op->emitError() << "nothing knows the attribute " << name;
  if (!fits)
    return op->emitError() << name << " cannot be " << value << " here";
  return success();
}

LogicalResult
InterfaceDialect::verifyOperationAttribute(Operation *op,
                                           NamedAttribute attribute) {
  StringRef name = attribute.getName().strref();
  if (name == kFunction)
    return verifyFunction(op, attribute.getValue());
  if (name == kInterface) {
    if (!isa<ModuleOp>(op) || !isa<InterfaceAttr>(attribute.getValue()))
      return op->emitError() << name << " is a #rnnc.interface, of a module";
    return success();
  }
  return verifyMark(op, attribute);
}

/// A slot has to fit the type, and the dimensions of its function.
static LogicalResult verifySlot(Operation *op, Type type,
                                NamedAttribute attribute) {
  auto slot = dyn_cast<SlotAttr>(attribute.getValue());
  if (attribute.getName() != kSlot || !slot)
    return op->emitError() << "an argument or a result has the attribute "
                           << kSlot << ", a #rnnc.slot, and not "
                           << attribute.getName() << " = "
                           << attribute.getValue();
  auto shaped = dyn_cast<ShapedType>(type);
  ArrayAttr shape = slot.getShape();
  if (!shaped || !shape) // of code that knows pointers only
    return success();
  if (!shaped.hasRank() || int64_t(shape.size()) != shaped.getRank())
    return op->emitError() << slot << " has not one size for each dimension of "
                           << type;
  FunctionAttr function = functionOf(op);
  for (auto [size, known] : llvm::zip_equal(shape, shaped.getShape())) {
    auto number = dyn_cast<IntegerAttr>(size);
    auto name = dyn_cast<StringAttr>(size);
    bool fits =
        number ? number.getInt() == known : ShapedType::isDynamic(known);
    if (!fits)
      return op->emitError() << slot << " does not fit " << type;
    if (name && function && function.getDims() && function.numberOf(name) < 0)
      return op->emitError() << slot << " names " << name
                             << ", which is no dimension of the function";
  }
  return success();
}

LogicalResult InterfaceDialect::verifyRegionArgAttribute(
    Operation *op, unsigned, unsigned argument, NamedAttribute attribute) {
  auto function = dyn_cast<FunctionOpInterface>(op);
  if (!function || argument >= function.getNumArguments())
    return op->emitError() << attribute.getName()
                           << " is of an argument of a function";
  return verifySlot(op, function.getArgumentTypes()[argument], attribute);
}

LogicalResult InterfaceDialect::verifyRegionResultAttribute(
    Operation *op, unsigned, unsigned result, NamedAttribute attribute) {
  auto function = dyn_cast<FunctionOpInterface>(op);
  if (!function || result >= function.getNumResults())
    return op->emitError() << attribute.getName()
                           << " is of a result of a function";
  return verifySlot(op, function.getResultTypes()[result], attribute);
}
