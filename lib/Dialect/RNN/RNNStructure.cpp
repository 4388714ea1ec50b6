// RNNStructure.cpp - modules, binders, recurrences and distributions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Dialect/RNN/RNN.h"

#include "mlir/IR/Builders.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace rnnc::rnn;

#define GET_OP_CLASSES
#include "rnnc/Dialect/RNN/RNN.cpp.inc"

//===----------------------------------------------------------------------===//
// Module
//===----------------------------------------------------------------------===//

LogicalResult rnnc::rnn::ModuleOp::verify() {
  StringRef kind = getKind();
  if (kind != "model" && kind != "layer" && kind != "cell")
    return emitOpError("is of no known kind: ") << kind;
  llvm::StringSet<llvm::MallocAllocator> names;
  for (Operation &op : getBody().front()) {
    StringAttr name;
    if (isa<ParamOp, InputOp, OutputOp>(op))
      name = op.getAttrOfType<StringAttr>("name");
    if (name && !names.insert(name.getValue()).second)
      return op.emitOpError("declares the name `")
             << name.getValue() << "` a second time";
    // Results of a model are what a search gives.
    bool ofExport = isa<FirstStateOp, FinalStateOp>(op);
    bool ofModel = isa<ObserveOp, LossOp, OutputOp>(op);
    if ((ofExport && kind == "model") || (ofModel && kind != "model"))
      return op.emitOpError("does not belong into a ") << kind;
  }
  return success();
}

LogicalResult ParamOp::verify() {
  ValueType type = getResult().getType();
  if (!type.isReal())
    return emitOpError("a parameter holds real numbers, not ") << spell(type);
  if (type.hasTimeAxis())
    return emitOpError("a parameter cannot have a length that is known only "
                       "when the program runs: ")
           << spell(type);
  auto kind = getInit().getAs<StringAttr>("kind");
  auto needs = [&](ArrayRef<StringRef> keys) -> LogicalResult {
    for (StringRef key : keys)
      if (!getInit().getAs<FloatAttr>(key))
        return emitOpError("first values of kind ")
               << kind << " need the number `" << key << "`";
    return success();
  };
  if (!kind)
    return emitOpError("its first values have no kind");
  StringRef name = kind.getValue();
  if (name == "glorot" || name == "orthogonal" || name == "identity")
    return success();
  if (name == "normal")
    return needs({"mean", "std"});
  if (name == "uniform")
    return needs({"low", "high"});
  if (name == "constant")
    return needs({"value"});
  if (name == "table") {
    int64_t volume = 1;
    for (AxisAttr axis : type.getAxes())
      volume *= axis.getSize();
    auto values = getInit().getAs<ArrayAttr>("values");
    if (values && volume == int64_t(values.size()))
      return success();
    return emitOpError("needs a first value for each entry of ") << spell(type);
  }
  if (name != "labels")
    return emitOpError("unknown kind of first values ") << kind;
  auto axis = getInit().getAs<IntegerAttr>("axis");
  auto values = getInit().getAs<ArrayAttr>("values");
  if (!axis || !values || axis.getInt() < 0 || axis.getInt() >= type.getRank())
    return emitOpError("labelled first values need an axis and values");
  if (type.getAxes()[axis.getInt()].getSize() != int64_t(values.size()))
    return emitOpError("needs one first value for each label of ")
           << type.getAxes()[axis.getInt()].getName();
  return success();
}

LogicalResult ObserveOp::verify() {
  if (getData().getType() != getDist().getType().getValue())
    return emitOpError("the two sides of `~` do not fit: ")
           << spell(getData().getType()) << " and a distribution of "
           << spell(getDist().getType().getValue());
  return success();
}

LogicalResult LossOp::verify() {
  ValueType type = getValue().getType();
  if (!type.isReal() || type.getRank())
    return emitOpError("a loss is one real number, not ") << spell(type);
  return success();
}

//===----------------------------------------------------------------------===//
// Binders
//===----------------------------------------------------------------------===//

Value BindOp::getYielded() {
  return cast<YieldOp>(getBody().front().getTerminator()).getOut().front();
}

ValueType BindOp::resultType(BindKind kind, AxisAttr axis, ValueType body) {
  switch (kind) {
  case BindKind::For:
    return body.pushFront(axis);
  case BindKind::Softmax:
    return body.isReal() && !body.getRank() ? body.pushFront(axis)
                                            : ValueType();
  case BindKind::ArgMax:
    if (!body.isReal() || body.getRank())
      return ValueType();
    return ValueType::get(axis.getContext(), {}, ValueKind::Index, axis);
  default:
    return body.isReal() ? body : ValueType();
  }
}

LogicalResult BindOp::verify() {
  auto index = ValueType::get(getContext(), {}, ValueKind::Index, getAxis());
  if (getBody().getNumArguments() != 1 || getIndex().getType() != index)
    return emitOpError("its body needs one argument, an index in ")
           << getAxis().getName();
  return success();
}

LogicalResult BindOp::verifyRegions() {
  auto yield = dyn_cast<YieldOp>(getBody().front().getTerminator());
  if (!yield || !yield.getNext().empty() || yield.getOut().size() != 1 ||
      !isa<ValueType>(yield.getOut().front().getType()))
    return emitOpError("its body gives one value");
  auto body = cast<ValueType>(yield.getOut().front().getType());
  ValueType expected = resultType(getKind(), getAxis(), body);
  if (!expected)
    return emitOpError("cannot take a body ") << spell(body);
  if (expected != getResult().getType())
    return emitOpError("gives ")
           << spell(expected) << ", not " << spell(getResult().getType());
  return success();
}

//===----------------------------------------------------------------------===//
// Recurrences
//===----------------------------------------------------------------------===//

void ScanOp::build(OpBuilder &builder, OperationState &state, AxisAttr axis,
                   ValueRange over, ValueRange init, ArrayAttr states,
                   bool reverse, TypeRange outTypes) {
  state.addOperands(over);
  state.addOperands(init);
  Properties &properties = state.getOrAddProperties<Properties>();
  properties.axis = axis;
  properties.states = states;
  if (reverse)
    properties.reverse = builder.getUnitAttr();
  properties.operandSegmentSizes = {int32_t(over.size()), int32_t(init.size())};
  properties.resultSegmentSizes = {int32_t(outTypes.size()),
                                   int32_t(init.size())};
  for (Type type : outTypes)
    state.addTypes(cast<ValueType>(type).pushFront(axis));
  state.addTypes(init.getTypes());
  Block *body = new Block;
  state.addRegion()->push_back(body);
  for (Value value : over)
    body->addArgument(cast<ValueType>(value.getType()).dropFront(),
                      value.getLoc());
  for (Value value : init)
    body->addArgument(value.getType(), value.getLoc());
}

YieldOp ScanOp::getYield() {
  return cast<YieldOp>(getBody().front().getTerminator());
}

YieldOp UnfoldOp::getYield() {
  return cast<YieldOp>(getBody().front().getTerminator());
}

static ParseResult
parseGroup(OpAsmParser &parser, StringRef keyword,
           SmallVectorImpl<OpAsmParser::UnresolvedOperand> &operands,
           SmallVectorImpl<Type> &types) {
  if (failed(parser.parseOptionalKeyword(keyword)))
    return success();
  return failure(parser.parseLParen() || parser.parseOperandList(operands) ||
                 parser.parseColonTypeList(types) || parser.parseRParen());
}

ParseResult ScanOp::parse(OpAsmParser &parser, OperationState &result) {
  SmallVector<OpAsmParser::UnresolvedOperand> over, init;
  SmallVector<Type> overTypes, initTypes, outTypes;
  AxisAttr axis;
  ArrayAttr states;
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseCustomAttributeWithFallback(axis) ||
      parseGroup(parser, "over", over, overTypes) ||
      parseGroup(parser, "init", init, initTypes) ||
      parser.parseKeyword("states") || parser.parseEqual() ||
      parser.parseAttribute(states))
    return failure();
  Properties &properties = result.getOrAddProperties<Properties>();
  properties.axis = axis;
  properties.states = states;
  if (succeeded(parser.parseOptionalKeyword("reverse")))
    properties.reverse = parser.getBuilder().getUnitAttr();
  if (parser.parseOptionalAttrDictWithKeyword(result.attributes) ||
      parser.parseRegion(*result.addRegion()) || parser.parseArrow() ||
      parser.parseLParen())
    return failure();
  if (failed(parser.parseOptionalRParen()))
    if (parser.parseTypeList(outTypes) || parser.parseRParen())
      return failure();
  if (parser.resolveOperands(over, overTypes, loc, result.operands) ||
      parser.resolveOperands(init, initTypes, loc, result.operands))
    return failure();
  properties.operandSegmentSizes = {int32_t(over.size()), int32_t(init.size())};
  properties.resultSegmentSizes = {int32_t(outTypes.size()),
                                   int32_t(init.size())};
  result.addTypes(outTypes);
  result.addTypes(initTypes);
  return success();
}

void ScanOp::print(OpAsmPrinter &printer) {
  printer << " ";
  printer.printStrippedAttrOrType(getAxis());
  auto group = [&](StringRef keyword, OperandRange values) {
    if (!values.empty())
      printer << " " << keyword << "(" << values << " : " << values.getTypes()
              << ")";
  };
  group("over", getOver());
  group("init", getInit());
  printer << " states = " << getStates();
  if (getReverse())
    printer << " reverse";
  printer.printOptionalAttrDictWithKeyword(
      llvm::to_vector((*this)->getDiscardableAttrs()));
  printer << " ";
  printer.printRegion(getBody());
  printer << " -> (" << getOuts().getTypes() << ")";
}

/// A step keeps the types of its states.
static LogicalResult verifyStates(Operation *op, OperandRange init,
                                  ArrayAttr states,
                                  Block::BlockArgListType args, YieldOp yield) {
  if (states.size() != init.size() || args.size() != init.size() ||
      yield.getNext().size() != init.size())
    return op->emitOpError("needs a name, a first value, an argument and a "
                           "next value for each state");
  for (auto [name, first, arg, next] :
       llvm::zip(states, init, args, yield.getNext()))
    if (first.getType() != arg.getType() || next.getType() != arg.getType())
      return op->emitOpError("the state ")
             << name << " changes its type: first "
             << spell(cast<ValueType>(first.getType())) << ", then "
             << spell(cast<ValueType>(next.getType()));
  return success();
}

LogicalResult ScanOp::verify() {
  for (Value value : getOver()) {
    auto type = cast<ValueType>(value.getType());
    if (type.getAxes().empty() || type.getAxes().front() != getAxis())
      return emitOpError("runs along ")
             << getAxis().getName() << ", but reads " << spell(type);
  }
  if (getBody().getNumArguments() != getOver().size() + getInit().size())
    return emitOpError(
        "its body needs one argument for each sequence and state");
  for (auto [value, arg] : llvm::zip(getOver(), getElements()))
    if (arg.getType() != cast<ValueType>(value.getType()).dropFront())
      return emitOpError("its body reads elements of another type than ")
             << spell(cast<ValueType>(value.getType()));
  return success();
}

LogicalResult ScanOp::verifyRegions() {
  auto yield = dyn_cast<YieldOp>(getBody().front().getTerminator());
  if (!yield)
    return emitOpError("its body ends without rnn.yield");
  if (failed(
          verifyStates(*this, getInit(), getStates(), getStateArgs(), yield)))
    return failure();
  if (yield.getOut().size() != getOuts().size() ||
      getFinals().getTypes() != getInit().getTypes())
    return emitOpError("needs a result for each output and state");
  for (auto [out, result] : llvm::zip(yield.getOut(), getOuts())) {
    auto type = dyn_cast<ValueType>(out.getType());
    if (!type || type.pushFront(getAxis()) != result.getType())
      return emitOpError("an output is not what each step gives along ")
             << getAxis().getName();
  }
  return success();
}

LogicalResult UnfoldOp::verify() {
  ValueType sequence = getResult().getType().getValue();
  if (getResult().getType().getKind() != DistKind::Unfold ||
      sequence.getRank() == 0)
    return emitOpError("is a distribution over sequences");
  if (getBody().getNumArguments() != 1 + getOver().size() + getInit().size() ||
      getPrevious().getType() != sequence.dropFront())
    return emitOpError(
               "the loop does not close: it reads and draws elements of ")
           << spell(sequence);
  for (auto [over, element] : llvm::zip(getOver(), getElements())) {
    auto type = cast<ValueType>(over.getType());
    if (!type.getRank() || type.getAxes().front() != getAxis() ||
        element.getType() != type.dropFront())
      return emitOpError("does not run over ") << spell(type);
  }
  if (bool(getFirst()) == getStart().has_value())
    return emitOpError("begins with a symbol or with a value");
  if (getFirst() && getFirst().getType() != getPrevious().getType())
    return emitOpError("begins with another kind of value than it draws");
  // Whoever needs no last values may leave them out.
  if (!getFinals().empty() &&
      !llvm::equal(getFinals().getTypes(), getInit().getTypes()))
    return emitOpError("gives the last value of each state, or of none");
  return success();
}

LogicalResult UnfoldOp::verifyRegions() {
  auto yield = dyn_cast<YieldOp>(getBody().front().getTerminator());
  if (!yield || yield.getOut().size() != 1)
    return emitOpError("its body gives one distribution");
  auto dist = dyn_cast<DistType>(yield.getOut().front().getType());
  if (!dist || dist.getValue() != getPrevious().getType())
    return emitOpError(
        "the loop does not close: it draws one thing and reads another");
  return verifyStates(*this, getInit(), getStates(), getStateArgs(), yield);
}

LogicalResult DistOp::verify() {
  ValueType drawn = getResult().getType().getValue();
  if (getResult().getType().getKind() != getKind())
    return emitOpError("gives a distribution of another kind");
  size_t count =
      getKind() == DistKind::Normal || getKind() == DistKind::Laplace ? 2 : 1;
  if (getKind() == DistKind::Unfold || getKind() == DistKind::Law ||
      getArgs().size() != count)
    return emitOpError("takes another number of arguments");
  for (Value arg : getArgs())
    if (!cast<ValueType>(arg.getType()).isReal())
      return emitOpError("its arguments are real numbers");
  auto first = cast<ValueType>(getArgs().front().getType());
  switch (getKind()) {
  case DistKind::Categorical:
    if (!drawn.isIndex() || !first.getRank() ||
        first.getAxes().back() != drawn.getIndexAxis() ||
        first.getAxes().drop_back() != drawn.getAxes())
      return emitOpError("scores ")
             << spell(first) << " do not draw " << spell(drawn);
    return success();
  case DistKind::Bernoulli:
    if (drawn.getKind() != ValueKind::Bit || first.getAxes() != drawn.getAxes())
      return emitOpError("scores ")
             << spell(first) << " do not draw " << spell(drawn);
    return success();
  default:
    break;
  }
  auto second = cast<ValueType>(getArgs()[1].getType());
  ValueType all = suffixType(first, second);
  if (!drawn.isReal() || !all || all.getAxes() != drawn.getAxes())
    return emitOpError("arguments ") << spell(first) << " and " << spell(second)
                                     << " do not draw " << spell(drawn);
  return success();
}

Value LawOp::yielded(Region &part) {
  return cast<YieldOp>(part.front().getTerminator()).getOut().front();
}

int64_t LawOp::getLead() {
  return cast<ValueType>(yielded(getLogp()).getType()).getRank();
}

ValueType LawOp::getModeType() {
  return cast<ValueType>(yielded(getMode()).getType());
}

bool LawOp::drawsSequence() {
  ValueType drawn = getResult().getType().getValue();
  return drawn.withAxes(drawn.getAxes().drop_front(getLead())).hasTimeAxis();
}

LogicalResult LawOp::verify() {
  if (getResult().getType().getKind() != DistKind::Law)
    return emitOpError("gives a distribution of another kind");
  return success();
}

LogicalResult LawOp::verifyRegions() {
  ValueType drawn = getResult().getType().getValue();
  auto verifyPart = [&](Region &part, StringRef name,
                        bool readsDrawn) -> LogicalResult {
    SmallVector<Type> wanted(getArgs().getTypes());
    if (readsDrawn)
      wanted.push_back(drawn);
    if (!llvm::equal(part.front().getArgumentTypes(), wanted))
      return emitOpError("`") << name << "` reads other arguments";
    auto yield = dyn_cast<YieldOp>(part.front().getTerminator());
    if (!yield || !yield.getNext().empty() || yield.getOut().size() != 1 ||
        !isa<ValueType>(yield.getOut().front().getType()))
      return emitOpError("`") << name << "` gives one value";
    return success();
  };
  if (failed(verifyPart(getLogp(), "logp", true)))
    return failure();
  auto logp = cast<ValueType>(yielded(getLogp()).getType());
  if (!logp.isReal() || logp.getRank() > drawn.getRank() ||
      logp.getAxes() != drawn.getAxes().take_front(logp.getRank()))
    return emitOpError("`logp` is a number for each draw, not ") << spell(logp);
  for (auto [part, name] :
       {std::pair(&getMode(), "mode"), std::pair(&getSample(), "sample")}) {
    if (part->empty())
      continue;
    if (failed(verifyPart(*part, name, false)))
      return failure();
    auto given = cast<ValueType>(yielded(*part).getType());
    bool isLong = drawsSequence() && given.getRank() && !getLead() &&
                  given.getAxes().front().isTime() &&
                  given.dropFront() == drawn.dropFront();
    if (given != drawn && !isLong)
      return emitOpError("`")
             << name << "` gives " << spell(drawn) << ", not " << spell(given);
  }
  return success();
}
