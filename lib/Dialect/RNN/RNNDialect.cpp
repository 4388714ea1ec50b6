// RNNDialect.cpp - axis attribute, types and registration of the rnn dialect.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Dialect/RNN/RNN.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace rnnc::rnn;

#include "rnnc/Dialect/RNN/RNNDialect.cpp.inc"
#include "rnnc/Dialect/RNN/RNNEnums.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "rnnc/Dialect/RNN/RNNAttrs.cpp.inc"
#define GET_TYPEDEF_CLASSES
#include "rnnc/Dialect/RNN/RNNTypes.cpp.inc"

void RNNDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "rnnc/Dialect/RNN/RNN.cpp.inc"
      >();
  addAttributes<
#define GET_ATTRDEF_LIST
#include "rnnc/Dialect/RNN/RNNAttrs.cpp.inc"
      >();
  addTypes<
#define GET_TYPEDEF_LIST
#include "rnnc/Dialect/RNN/RNNTypes.cpp.inc"
      >();
}

//===----------------------------------------------------------------------===//
// Axis
//===----------------------------------------------------------------------===//

LogicalResult AxisAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                               StringRef name, int64_t size) {
  if (name.empty())
    return emitError() << "an axis needs a name";
  if (size < timeSize)
    return emitError() << "axis " << name << " has a negative size";
  return success();
}

FailureOr<AxisAttr> AxisAttr::parseShort(AsmParser &parser) {
  std::string name;
  int64_t size = timeSize;
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseString(&name))
    return failure();
  if (succeeded(parser.parseOptionalColon()) && parser.parseInteger(size))
    return failure();
  AxisAttr axis = getChecked([&] { return parser.emitError(loc); },
                             parser.getContext(), name, size);
  if (!axis)
    return failure();
  return axis;
}

void AxisAttr::printShort(AsmPrinter &printer) const {
  printer.printString(getName());
  if (!isTime())
    printer << " : " << getSize();
}

Attribute AxisAttr::parse(AsmParser &parser, Type) {
  if (parser.parseLess())
    return {};
  FailureOr<AxisAttr> axis = parseShort(parser);
  if (failed(axis) || parser.parseGreater())
    return {};
  return *axis;
}

void AxisAttr::print(AsmPrinter &printer) const {
  printer << "<";
  printShort(printer);
  printer << ">";
}

//===----------------------------------------------------------------------===//
// Value
//===----------------------------------------------------------------------===//

LogicalResult ValueType::verify(function_ref<InFlightDiagnostic()> emitError,
                                ArrayRef<AxisAttr> axes, ValueKind kind,
                                AxisAttr indexAxis) {
  if ((kind == ValueKind::Index) != bool(indexAxis))
    return emitError() << "an index, and only an index, belongs to an axis";
  return success();
}

ValueType ValueType::pushFront(AxisAttr axis) const {
  SmallVector<AxisAttr> axes{axis};
  llvm::append_range(axes, getAxes());
  return withAxes(axes);
}

bool ValueType::hasTimeAxis() const {
  return llvm::any_of(getAxes(), [](AxisAttr axis) { return axis.isTime(); });
}

Type ValueType::parse(AsmParser &parser) {
  SmallVector<AxisAttr> axes;
  auto parseAxis = [&]() -> ParseResult {
    FailureOr<AxisAttr> axis = AxisAttr::parseShort(parser);
    if (failed(axis))
      return failure();
    axes.push_back(*axis);
    return success();
  };
  SMLoc loc = parser.getCurrentLocation();
  StringRef word;
  if (parser.parseLess() ||
      parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, parseAxis) ||
      parser.parseKeyword(&word))
    return {};
  std::optional<ValueKind> kind = symbolizeValueKind(word);
  if (!kind) {
    parser.emitError(loc) << "unknown kind of elements `" << word << "`";
    return {};
  }
  AxisAttr indexAxis;
  if (*kind == ValueKind::Index) {
    FailureOr<AxisAttr> axis = AxisAttr::parseShort(parser);
    if (failed(axis))
      return {};
    indexAxis = *axis;
  }
  if (parser.parseGreater())
    return {};
  return get(parser.getContext(), axes, *kind, indexAxis);
}

void ValueType::print(AsmPrinter &printer) const {
  printer << "<[";
  llvm::interleaveComma(getAxes(), printer.getStream(),
                        [&](AxisAttr axis) { axis.printShort(printer); });
  printer << "] " << stringifyValueKind(getKind());
  if (getIndexAxis()) {
    printer << " ";
    getIndexAxis().printShort(printer);
  }
  printer << ">";
}

//===----------------------------------------------------------------------===//
// Words for messages
//===----------------------------------------------------------------------===//

std::string rnnc::rnn::spell(ArrayRef<AxisAttr> axes) {
  std::string text = "[";
  for (auto [i, axis] : llvm::enumerate(axes)) {
    if (i)
      text += ", ";
    text += axis.getName();
  }
  return text + "]";
}

std::string rnnc::rnn::spell(ValueType type) {
  std::string axes = type.getAxes().empty() ? "" : spell(type.getAxes());
  std::string gap = axes.empty() ? "" : " ";
  switch (type.getKind()) {
  case ValueKind::Real:
    return axes.empty() ? "real" : axes;
  case ValueKind::Index:
    return axes + gap + "in " + type.getIndexAxis().getName().str();
  case ValueKind::Int:
    return axes + gap + "int";
  case ValueKind::Bit:
    return axes + gap + "bit";
  }
  llvm_unreachable("all kinds are handled");
}

ValueType rnnc::rnn::suffixType(ValueType a, ValueType b) {
  ArrayRef<AxisAttr> left = a.getAxes(), right = b.getAxes();
  if (left.size() >= right.size())
    return left.take_back(right.size()) == right ? a : ValueType();
  return right.take_back(left.size()) == left ? a.withAxes(right) : ValueType();
}

Operation *RNNDialect::materializeConstant(OpBuilder &builder, Attribute value,
                                           Type type, Location loc) {
  auto number = dyn_cast<FloatAttr>(value);
  auto valueType = dyn_cast<ValueType>(type);
  if (!number || !valueType)
    return nullptr;
  return ConstantOp::create(builder, loc, valueType, number);
}
