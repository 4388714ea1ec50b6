// ScanLoop.cpp: the time loop: building, text, verification.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "ScanRows.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace rnnc;
using namespace rnnc::scan;

void LoopOp::build(
    OpBuilder &builder, OperationState &state, Value trip, Value lengths,
    ValueRange slices, ValueRange inits, bool reverse,
    function_ref<void(OpBuilder &, Location, Value, ValueRange, ValueRange)>
        body) {
  state.addOperands(trip);
  if (lengths)
    state.addOperands(lengths);
  state.addOperands(slices);
  state.addOperands(inits);
  auto &properties = state.getOrAddProperties<Properties>();
  llvm::copy(ArrayRef<int32_t>{1, lengths ? 1 : 0,
                               static_cast<int32_t>(slices.size()),
                               static_cast<int32_t>(inits.size())},
             properties.operandSegmentSizes.begin());
  if (reverse)
    properties.reverse = builder.getUnitAttr();

  Block &block = state.addRegion()->emplaceBlock();
  block.addArgument(builder.getIndexType(), state.location);
  for (Value slice : slices)
    block.addArgument(dropDim(cast<RankedTensorType>(slice.getType()), 0),
                      slice.getLoc());
  for (Value init : inits)
    block.addArgument(init.getType(), init.getLoc());
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(&block);
  ValueRange arguments = block.getArguments();
  body(builder, state.location, arguments.front(),
       arguments.slice(1, slices.size()), arguments.take_back(inits.size()));

  int64_t size = ShapedType::kDynamic;
  IntegerAttr constant;
  if (matchPattern(trip, m_Constant(&constant)))
    size = constant.getInt();
  auto yield = cast<YieldOp>(block.getTerminator());
  for (Value stack : yield.getStacks())
    state.addTypes(insertDim(cast<RankedTensorType>(stack.getType()), 0, size));
  state.addTypes(inits.getTypes());
}

MutableArrayRef<BlockArgument> LoopOp::getSliceArgs() {
  return getBodyBlock()->getArguments().slice(1, getNumSlices());
}

MutableArrayRef<BlockArgument> LoopOp::getCarryArgs() {
  return getBodyBlock()->getArguments().take_back(getNumCarries());
}

YieldOp LoopOp::getYield() {
  return cast<YieldOp>(getBodyBlock()->getTerminator());
}

SmallVector<Region *> LoopOp::getLoopRegions() { return {&getBody()}; }

// Rows past their end keep still only if the value has rows, that is a leading
// batch dimension (no time before it, nor joined with it), and is not excepted.
static bool isMasked(LoopOp loop, Value value,
                     std::optional<ArrayRef<int64_t>> except, unsigned number) {
  auto type = cast<RankedTensorType>(value.getType());
  if (!loop.getLengths() || type.getNumDynamicDims() != 1 ||
      !type.isDynamicDim(0) || (except && llvm::is_contained(*except, number)))
    return false;
  return mayBeSameRows(rowKindOf(value, 0), rowKindOf(loop.getLengths(), 0));
}

bool LoopOp::isMaskedCarry(unsigned number) {
  return isMasked(*this, getFirsts()[number], getUnmaskedCarries(), number);
}

bool LoopOp::isMaskedStack(unsigned number) {
  return isMasked(*this, getYield().getStacks()[number], getUnmaskedStacks(),
                  number);
}

std::optional<int64_t> LoopOp::getConstantTrip() {
  IntegerAttr constant;
  if (matchPattern(getTrip(), m_Constant(&constant)))
    return constant.getInt();
  return std::nullopt;
}

//===-- Text
//---------------------------------------------------------------===//

namespace {
// (%arg = %value : type, ...)
void printBindings(OpAsmPrinter &printer, StringRef word,
                   ArrayRef<BlockArgument> arguments, OperandRange values) {
  if (values.empty())
    return;
  printer << ' ' << word << '(';
  llvm::interleaveComma(
      llvm::zip_equal(arguments, values), printer, [&](auto pair) {
        auto [argument, value] = pair;
        printer << argument << " = " << value << " : " << value.getType();
      });
  printer << ')';
}

struct Bindings {
  SmallVector<OpAsmParser::UnresolvedOperand> arguments, values;
  SmallVector<Type> types;
};

ParseResult parseBindings(OpAsmParser &parser, StringRef word,
                          Bindings &bindings) {
  if (failed(parser.parseOptionalKeyword(word)))
    return success();
  return parser.parseCommaSeparatedList(
      OpAsmParser::Delimiter::Paren, [&]() -> ParseResult {
        return failure(parser.parseOperand(bindings.arguments.emplace_back()) ||
                       parser.parseEqual() ||
                       parser.parseOperand(bindings.values.emplace_back()) ||
                       parser.parseColonType(bindings.types.emplace_back()));
      });
}
} // namespace

void LoopOp::print(OpAsmPrinter &printer) {
  printer << " trip(" << getTrip() << ')';
  if (getLengths())
    printer << " lengths(" << getLengths() << ')';
  if (getReverse())
    printer << " reverse";
  printBindings(printer, "slices", getSliceArgs(), getSlices());
  printBindings(printer, "carry", getCarryArgs(), getFirsts());
  printer << " step(" << getStep() << ") ";
  printer.printRegion(getBody(), /*printEntryBlockArgs=*/false);
  printer.printOptionalArrowTypeList(getResultTypes());
  printer.printOptionalAttrDict(
      (*this)->getAttrs(),
      {getReverseAttrName(), getOperandSegmentSizesAttrName()});
}

ParseResult LoopOp::parse(OpAsmParser &parser, OperationState &state) {
  Builder &builder = parser.getBuilder();
  OpAsmParser::UnresolvedOperand trip, lengths, step;
  Bindings slices, carries;
  bool ragged = false;
  if (parser.parseKeyword("trip") || parser.parseLParen() ||
      parser.parseOperand(trip) || parser.parseRParen())
    return failure();
  if (succeeded(parser.parseOptionalKeyword("lengths"))) {
    ragged = true;
    if (parser.parseLParen() || parser.parseOperand(lengths) ||
        parser.parseRParen())
      return failure();
  }
  if (succeeded(parser.parseOptionalKeyword("reverse")))
    state.addAttribute(getReverseAttrName(state.name), builder.getUnitAttr());
  SMLoc loc = parser.getCurrentLocation();
  if (parseBindings(parser, "slices", slices) ||
      parseBindings(parser, "carry", carries) || parser.parseKeyword("step") ||
      parser.parseLParen() || parser.parseOperand(step) || parser.parseRParen())
    return failure();

  SmallVector<OpAsmParser::Argument> arguments;
  auto addArgument = [&](OpAsmParser::UnresolvedOperand name, Type type) {
    OpAsmParser::Argument &argument = arguments.emplace_back();
    argument.ssaName = name;
    argument.type = type;
  };
  addArgument(step, builder.getIndexType());
  for (auto [name, type] : llvm::zip_equal(slices.arguments, slices.types)) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (!tensor || tensor.getRank() == 0)
      return parser.emitError(loc, "a sliced value needs a time dimension");
    addArgument(name, dropDim(tensor, 0));
  }
  for (auto [name, type] : llvm::zip_equal(carries.arguments, carries.types))
    addArgument(name, type);
  if (parser.parseRegion(*state.addRegion(), arguments) ||
      parser.parseOptionalArrowTypeList(state.types) ||
      parser.parseOptionalAttrDict(state.attributes))
    return failure();

  if (parser.resolveOperand(trip, builder.getIndexType(), state.operands))
    return failure();
  if (ragged &&
      parser.resolveOperand(lengths, getLengthsType(builder.getContext()),
                            state.operands))
    return failure();
  if (parser.resolveOperands(slices.values, slices.types, loc,
                             state.operands) ||
      parser.resolveOperands(carries.values, carries.types, loc,
                             state.operands))
    return failure();
  llvm::copy(
      ArrayRef<int32_t>{1, ragged ? 1 : 0,
                        static_cast<int32_t>(slices.values.size()),
                        static_cast<int32_t>(carries.values.size())},
      state.getOrAddProperties<Properties>().operandSegmentSizes.begin());
  return success();
}

//===-- Verification
//-------------------------------------------------------===//

static LogicalResult verifyArguments(LoopOp loop) {
  Block *block = loop.getBodyBlock();
  unsigned expected = 1 + loop.getNumSlices() + loop.getNumCarries();
  if (block->getNumArguments() != expected)
    return loop.emitOpError("body needs ")
           << expected << " arguments, has " << block->getNumArguments();
  if (!block->getArgument(0).getType().isIndex())
    return loop.emitOpError("body's first argument must be an index");
  for (auto [number, pair] : llvm::enumerate(
           llvm::zip_equal(loop.getSliceArgs(), loop.getSlices()))) {
    auto [argument, value] = pair;
    auto type = cast<RankedTensorType>(value.getType());
    if (type.getRank() == 0)
      return loop.emitOpError("slice ") << number << " has no time dimension";
    if (argument.getType() != dropDim(type, 0))
      return loop.emitOpError("slice ")
             << number << " of " << type << " is " << argument.getType()
             << " in the body, should be " << dropDim(type, 0);
  }
  for (auto [number, pair] : llvm::enumerate(
           llvm::zip_equal(loop.getCarryArgs(), loop.getFirsts()))) {
    auto [argument, value] = pair;
    if (argument.getType() != value.getType())
      return loop.emitOpError("carry ")
             << number << " begins as " << value.getType() << " but is "
             << argument.getType() << " in the body";
  }
  return success();
}

LogicalResult LoopOp::verify() {
  if (failed(verifyArguments(*this)))
    return failure();
  auto yield = dyn_cast<YieldOp>(getBodyBlock()->getTerminator());
  if (!yield)
    return emitOpError("body must end with scan.yield");
  if (yield.getCarries().size() != getNumCarries())
    return emitOpError("yields ") << yield.getCarries().size() << " of "
                                  << getNumCarries() << " carries";
  if (yield.getStacks().size() + getNumCarries() != getNumResults())
    return emitOpError("yields ")
           << yield.getStacks().size() << " values to stack for "
           << getNumResults() << " results and " << getNumCarries()
           << " carries";
  for (unsigned number = 0; number < getNumCarries(); ++number) {
    Type type = getFirsts()[number].getType();
    if (yield.getCarries()[number].getType() != type)
      return emitOpError("carry ")
             << number << " is " << type << " but its next value is "
             << yield.getCarries()[number].getType();
    if (getFinalResults()[number].getType() != type)
      return emitOpError("carry ")
             << number << " is " << type << " but the result is "
             << getFinalResults()[number].getType();
  }
  for (auto [stack, result] :
       llvm::zip_equal(yield.getStacks(), getStackResults())) {
    auto type = cast<RankedTensorType>(result.getType());
    if (type.getRank() == 0 || dropDim(type, 0) != stack.getType())
      return emitOpError("stacks ") << stack.getType() << " to " << type;
    std::optional<int64_t> trip = getConstantTrip();
    if (trip && !type.isDynamicDim(0) && type.getDimSize(0) != *trip)
      return emitOpError("stacks ") << *trip << " steps to " << type;
  }
  if (IntegerAttr unroll = getUnrollAttr();
      unroll && (unroll.getInt() < 0 || unroll.getInt() > 1024))
    return emitOpError("unroll must be from 0 to 1024");
  if (IntegerAttr segment = getSegmentAttr(); segment && segment.getInt() < 1)
    return emitOpError("segment must be positive");
  return success();
}
