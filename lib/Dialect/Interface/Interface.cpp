// Interface.cpp: the attributes of functions and what is asked of them.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "rnnc/Dialect/Interface/Interface.h"

#include "mlir/IR/Builders.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace rnnc;
using namespace rnnc::interface;

#include "rnnc/Dialect/Interface/InterfaceDialect.cpp.inc"
#include "rnnc/Dialect/Interface/InterfaceEnums.cpp.inc"

static ParseResult parseOptional(AsmParser &parser, bool &optional) {
  optional = succeeded(parser.parseOptionalKeyword("optional"));
  return success();
}

static void printOptional(AsmPrinter &printer, bool optional) {
  if (optional)
    printer << " optional";
}

#define GET_ATTRDEF_CLASSES
#include "rnnc/Dialect/Interface/InterfaceAttrs.cpp.inc"

void InterfaceDialect::initialize() { registerAttributes(); }

void InterfaceDialect::registerAttributes() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "rnnc/Dialect/Interface/InterfaceAttrs.cpp.inc"
      >();
}

StringAttr SlotAttr::getSizeName(int64_t dim) const {
  ArrayAttr shape = getShape();
  if (!shape || dim < 0 || dim >= int64_t(shape.size()))
    return {};
  return dyn_cast<StringAttr>(shape[dim]);
}

bool FunctionAttr::isGradient() const {
  return getName() == "grad" || getName() == "vjp" || getName() == "hvp" ||
         getName() == "state_grad";
}

int64_t FunctionAttr::numberOf(StringAttr dim) const {
  if (!dim || !getDims())
    return -1;
  const Attribute *found = llvm::find(getDims(), dim);
  return found == getDims().end() ? -1 : found - getDims().begin();
}

FunctionAttr interface::functionOf(Operation *function) {
  return function->getAttrOfType<FunctionAttr>(kFunction);
}

bool interface::hasDims(Operation *function) {
  FunctionAttr known = functionOf(function);
  return known && known.getDims();
}

SlotAttr interface::slotOf(FunctionOpInterface function, unsigned argument) {
  return function.getArgAttrOfType<SlotAttr>(argument, kSlot);
}

SlotAttr interface::slotOf(Value value) {
  auto argument = dyn_cast<BlockArgument>(value);
  if (!argument)
    return {};
  // The body of a loop that is made stands nowhere yet; that of a function that
  // is worked on may have more than the function says.
  auto function = dyn_cast_if_present<FunctionOpInterface>(
      argument.getOwner()->getParentOp());
  return function && argument.getOwner()->isEntryBlock() &&
                 argument.getArgNumber() < function.getNumArguments()
             ? slotOf(function, argument.getArgNumber())
             : SlotAttr();
}

SlotAttr interface::resultSlotOf(FunctionOpInterface function,
                                 unsigned result) {
  return function.getResultAttrOfType<SlotAttr>(result, kSlot);
}

StringAttr interface::sizeName(FunctionOpInterface function, unsigned argument,
                               int64_t dim) {
  SlotAttr slot = slotOf(function, argument);
  return slot ? slot.getSizeName(dim) : StringAttr();
}

DictionaryAttr interface::attributesOf(SlotAttr slot) {
  Builder b(slot.getContext());
  return b.getDictionaryAttr(b.getNamedAttr(kSlot, slot));
}
