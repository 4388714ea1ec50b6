// RNNExpressions.cpp - typing rules and folders of the rnn dialect's
// expressions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Dialect/RNN/Feed.h"

#include "mlir/IR/Builders.h"

#include <cmath>

using namespace mlir;
using namespace rnnc::rnn;

namespace {

/// A mistake against a typing rule, said in the language's words.
LogicalResult mistake(std::optional<Location> loc, const Twine &message) {
  return emitOptionalError(loc, message);
}

LogicalResult requireReal(std::optional<Location> loc, Value value,
                          StringRef what) {
  auto type = cast<ValueType>(value.getType());
  if (type.isReal())
    return success();
  return mistake(loc, what + " needs real numbers, not " + spell(type));
}

/// Elementwise with the suffix rule; null after a message.
ValueType elementwise(std::optional<Location> loc, Value a, Value b,
                      StringRef what) {
  auto left = cast<ValueType>(a.getType()),
       right = cast<ValueType>(b.getType());
  ValueType result = suffixType(left, right);
  if (!result)
    (void)mistake(
        loc, what + " needs equal shapes or one that ends like the other: " +
                 spell(left) + " and " + spell(right));
  return result;
}

double evaluate(UnaryKind kind, double x) {
  switch (kind) {
  case UnaryKind::Neg:
    return -x;
  case UnaryKind::Exp:
    return std::exp(x);
  case UnaryKind::Log:
    return std::log(x);
  case UnaryKind::Sqrt:
    return std::sqrt(x);
  case UnaryKind::Abs:
    return std::fabs(x);
  case UnaryKind::Sigmoid:
    return 1 / (1 + std::exp(-x));
  case UnaryKind::Tanh:
    return std::tanh(x);
  case UnaryKind::Relu:
    return x <= 0 ? 0 : x;
  case UnaryKind::Softplus:
    return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x));
  case UnaryKind::Sin:
    return std::sin(x);
  case UnaryKind::Cos:
    return std::cos(x);
  case UnaryKind::Erf:
    return std::erf(x);
  case UnaryKind::Gelu:
    return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0)));
  case UnaryKind::Floor:
    return std::floor(x);
  case UnaryKind::Ceil:
    return std::ceil(x);
  case UnaryKind::Round:
    return std::nearbyint(x);
  case UnaryKind::Sign:
    return x > 0 ? 1 : x < 0 ? -1 : x;
  }
  llvm_unreachable("all kinds are handled");
}

double evaluate(BinaryKind kind, double a, double b) {
  switch (kind) {
  case BinaryKind::Add:
    return a + b;
  case BinaryKind::Sub:
    return a - b;
  case BinaryKind::Mul:
    return a * b;
  case BinaryKind::Div:
    return a / b;
  case BinaryKind::Min:
    return std::isnan(b) || b < a ? b : a;
  case BinaryKind::Max:
    return std::isnan(b) || b > a ? b : a;
  case BinaryKind::Pow:
    return std::pow(a, b);
  case BinaryKind::Mod:
    return a - b * std::floor(a / b);
  }
  llvm_unreachable("all kinds are handled");
}

} // namespace

//===----------------------------------------------------------------------===//
// Constants
//===----------------------------------------------------------------------===//

LogicalResult ConstantOp::verify() {
  ValueType type = getResult().getType();
  double value = getValue().convertToDouble();
  if (type.isReal())
    return success();
  if (value != std::floor(value))
    return emitOpError("needs a whole number for ") << spell(type);
  if (type.getKind() == ValueKind::Bit && value != 0 && value != 1)
    return emitOpError("needs 0 or 1 for a bit");
  AxisAttr axis = type.getIndexAxis();
  if (axis && (value < 0 || (!axis.isTime() && value >= axis.getSize())))
    return emitOpError("gives an index outside of axis ") << axis.getName();
  return success();
}

OpFoldResult ConstantOp::fold(FoldAdaptor) { return getValueAttr(); }

static int64_t volumeOf(ValueType type) {
  int64_t volume = 1;
  for (AxisAttr axis : type.getAxes())
    volume *= axis.getSize();
  return volume;
}

LogicalResult TableOp::verify() {
  ValueType type = getResult().getType();
  if (!type.isReal() || type.hasTimeAxis())
    return emitOpError("holds real numbers along fixed axes, not ")
           << spell(type);
  if (volumeOf(type) != int64_t(getValues().size()))
    return emitOpError("needs a number for each entry of ") << spell(type);
  return success();
}

LogicalResult ListOp::verify() {
  ValueType type = getResult().getType();
  if (getItems().empty() || !type.getRank() ||
      type.getAxes().front().isTime() ||
      type.getAxes().front().getSize() != int64_t(getItems().size()))
    return emitOpError("needs an axis with an entry for each value");
  if (getItems().front().getType() != type.dropFront())
    return emitOpError("holds values of another type than ") << spell(type);
  return success();
}

LogicalResult SliceOp::verify() {
  ValueType from = getValue().getType(), to = getResult().getType();
  if (!from.getRank() || !to.getRank() || from.dropFront() != to.dropFront())
    return emitOpError("keeps all axes but the first: ")
           << spell(from) << " and " << spell(to);
  AxisAttr whole = from.getAxes().front(), part = to.getAxes().front();
  if (whole.isTime() || part.isTime())
    return emitOpError("takes no part of a time axis");
  if (int64_t(getFrom()) < 0 ||
      int64_t(getFrom()) + part.getSize() > whole.getSize())
    return emitOpError("takes entries that ")
           << spell(from) << " does not have";
  return success();
}

OpFoldResult UnaryOp::fold(FoldAdaptor adaptor) {
  // Negation twice is nothing, a function of a constant is a constant.
  if (getKind() == UnaryKind::Neg)
    if (auto inner = getValue().getDefiningOp<UnaryOp>())
      if (inner.getKind() == UnaryKind::Neg)
        return inner.getValue();
  auto value = dyn_cast_if_present<FloatAttr>(adaptor.getValue());
  if (!value)
    return {};
  return FloatAttr::get(value.getType(),
                        evaluate(getKind(), value.getValueAsDouble()));
}

OpFoldResult BinaryOp::fold(FoldAdaptor adaptor) {
  auto a = dyn_cast_if_present<FloatAttr>(adaptor.getLhs());
  auto b = dyn_cast_if_present<FloatAttr>(adaptor.getRhs());
  if (!a || !b)
    return {};
  return FloatAttr::get(a.getType(), evaluate(getKind(), a.getValueAsDouble(),
                                              b.getValueAsDouble()));
}

//===----------------------------------------------------------------------===//
// Elementwise
//===----------------------------------------------------------------------===//

LogicalResult UnaryOp::inferReturnTypes(MLIRContext *,
                                        std::optional<Location> loc,
                                        Adaptor adaptor,
                                        SmallVectorImpl<Type> &types) {
  if (failed(requireReal(loc, adaptor.getValue(),
                         stringifyUnaryKind(adaptor.getKind()))))
    return failure();
  types.push_back(adaptor.getValue().getType());
  return success();
}

LogicalResult ToRealOp::inferReturnTypes(MLIRContext *,
                                         std::optional<Location> loc,
                                         Adaptor adaptor,
                                         SmallVectorImpl<Type> &types) {
  auto type = cast<ValueType>(adaptor.getValue().getType());
  if (type.isReal())
    return mistake(loc, "these numbers are real already: " + spell(type));
  types.push_back(type.withKind(ValueKind::Real));
  return success();
}

LogicalResult BinaryOp::inferReturnTypes(MLIRContext *,
                                         std::optional<Location> loc,
                                         Adaptor adaptor,
                                         SmallVectorImpl<Type> &types) {
  StringRef what = stringifyBinaryKind(adaptor.getKind());
  if (failed(requireReal(loc, adaptor.getLhs(), what)) ||
      failed(requireReal(loc, adaptor.getRhs(), what)))
    return failure();
  ValueType result = elementwise(loc, adaptor.getLhs(), adaptor.getRhs(), what);
  if (!result)
    return failure();
  types.push_back(result);
  return success();
}

LogicalResult CompareOp::inferReturnTypes(MLIRContext *,
                                          std::optional<Location> loc,
                                          Adaptor adaptor,
                                          SmallVectorImpl<Type> &types) {
  auto left = cast<ValueType>(adaptor.getLhs().getType());
  auto right = cast<ValueType>(adaptor.getRhs().getType());
  if (left.getKind() != right.getKind() ||
      left.getIndexAxis() != right.getIndexAxis())
    return mistake(loc, "a comparison needs two values of one kind: " +
                            spell(left) + " and " + spell(right));
  ValueType result =
      elementwise(loc, adaptor.getLhs(), adaptor.getRhs(), "a comparison");
  if (!result)
    return failure();
  types.push_back(result.withKind(ValueKind::Bit));
  return success();
}

static LogicalResult requireBits(std::optional<Location> loc, Value value,
                                 StringRef what) {
  auto type = cast<ValueType>(value.getType());
  if (type.getKind() == ValueKind::Bit)
    return success();
  return mistake(loc, what + " needs bits, not " + spell(type));
}

LogicalResult LogicOp::inferReturnTypes(MLIRContext *,
                                        std::optional<Location> loc,
                                        Adaptor adaptor,
                                        SmallVectorImpl<Type> &types) {
  StringRef what = stringifyLogicKind(adaptor.getKind());
  if (failed(requireBits(loc, adaptor.getLhs(), what)) ||
      failed(requireBits(loc, adaptor.getRhs(), what)))
    return failure();
  ValueType result = elementwise(loc, adaptor.getLhs(), adaptor.getRhs(), what);
  if (!result)
    return failure();
  types.push_back(result);
  return success();
}

LogicalResult NotOp::inferReturnTypes(MLIRContext *,
                                      std::optional<Location> loc,
                                      Adaptor adaptor,
                                      SmallVectorImpl<Type> &types) {
  types.push_back(adaptor.getValue().getType());
  return requireBits(loc, adaptor.getValue(), "not");
}

LogicalResult SelectOp::inferReturnTypes(MLIRContext *,
                                         std::optional<Location> loc,
                                         Adaptor adaptor,
                                         SmallVectorImpl<Type> &types) {
  auto condition = cast<ValueType>(adaptor.getCondition().getType());
  auto left = cast<ValueType>(adaptor.getLhs().getType());
  auto right = cast<ValueType>(adaptor.getRhs().getType());
  if (condition.getKind() != ValueKind::Bit)
    return mistake(loc, "the condition of `if` is not a bit but " +
                            spell(condition));
  if (left.getKind() != right.getKind() ||
      left.getIndexAxis() != right.getIndexAxis())
    return mistake(loc, "the two sides of `if` are of different kinds: " +
                            spell(left) + " and " + spell(right));
  ValueType result =
      elementwise(loc, adaptor.getLhs(), adaptor.getRhs(), "`if`");
  if (!result)
    return failure();
  ValueType all = suffixType(result, condition);
  if (!all)
    return mistake(loc, "the condition " + spell(condition) +
                            " does not fit the values " + spell(result));
  types.push_back(all);
  return success();
}

LogicalResult ClampOp::inferReturnTypes(MLIRContext *,
                                        std::optional<Location> loc,
                                        Adaptor adaptor,
                                        SmallVectorImpl<Type> &types) {
  auto type = cast<ValueType>(adaptor.getValue().getType());
  for (Value value :
       {adaptor.getValue(), adaptor.getLow(), adaptor.getHigh()}) {
    if (failed(requireReal(loc, value, "clamp")))
      return failure();
    if (suffixType(type, cast<ValueType>(value.getType())) != type)
      return mistake(loc, "the ends of `clamp` do not fit " + spell(type));
  }
  types.push_back(type);
  return success();
}

LogicalResult DropoutOp::inferReturnTypes(MLIRContext *,
                                          std::optional<Location> loc,
                                          Adaptor adaptor,
                                          SmallVectorImpl<Type> &types) {
  if (failed(requireReal(loc, adaptor.getValue(), "dropout")))
    return failure();
  auto type = cast<ValueType>(adaptor.getValue().getType());
  double p = adaptor.getP().convertToDouble();
  if (!(p >= 0 && p < 1))
    return mistake(
        loc, "dropout needs a probability from 0 up to, not including, 1");
  types.push_back(type);
  return success();
}

/// Numbers stay the same along an axis of the value, or of what is around.
static LogicalResult verifyTied(Operation *op, ValueType type, AxisAttr tied) {
  if (!tied || llvm::is_contained(type.getAxes(), tied))
    return success();
  for (Operation *around = op->getParentOp(); around;
       around = around->getParentOp()) {
    auto scan = dyn_cast<ScanOp>(around);
    auto unfold = dyn_cast<UnfoldOp>(around);
    auto bind = dyn_cast<BindOp>(around);
    if ((scan && scan.getAxis() == tied) ||
        (unfold && unfold.getAxis() == tied) ||
        (bind && bind.getAxis() == tied))
      return success();
  }
  return op->emitOpError("is tied along ")
         << tied.getName() << ", which is no axis of " << spell(type)
         << " or around it";
}

LogicalResult DropoutOp::verify() {
  return verifyTied(*this, getType(), getTiedAttr());
}

LogicalResult NoiseOp::verify() {
  return verifyTied(*this, getType(), getTiedAttr());
}

LogicalResult NoiseOp::inferReturnTypes(MLIRContext *,
                                        std::optional<Location> loc,
                                        Adaptor adaptor,
                                        SmallVectorImpl<Type> &types) {
  auto type = cast<ValueType>(adaptor.getValue().getType());
  for (Value value : {adaptor.getValue(), adaptor.getA(), adaptor.getB()}) {
    if (failed(requireReal(loc, value, "noise")))
      return failure();
    if (suffixType(type, cast<ValueType>(value.getType())) != type)
      return mistake(loc, "the distribution of the noise does not fit " +
                              spell(type));
  }
  types.push_back(type);
  return success();
}

bool rnnc::rnn::draws(Operation *op, AxisAttr &tied) {
  tied = {};
  if (auto noise = dyn_cast<NoiseOp>(op)) {
    tied = noise.getTiedAttr();
    return true;
  }
  if (auto unfold = dyn_cast<UnfoldOp>(op))
    return sampledFeed(unfold).has_value();
  auto dropout = dyn_cast<DropoutOp>(op);
  if (!dropout || dropout.getP().convertToDouble() == 0)
    return false;
  tied = dropout.getTiedAttr();
  return true;
}

bool rnnc::rnn::isInSample(Operation *op) {
  for (Region *region = op->getParentRegion(); region;
       region = region->getParentRegion())
    if (auto law = dyn_cast<LawOp>(region->getParentOp()))
      if (region == &law.getSample())
        return true;
  return false;
}

LogicalResult StopOp::inferReturnTypes(MLIRContext *,
                                       std::optional<Location> loc,
                                       Adaptor adaptor,
                                       SmallVectorImpl<Type> &types) {
  types.push_back(adaptor.getValue().getType());
  return success();
}

LogicalResult ClipGradOp::inferReturnTypes(MLIRContext *,
                                           std::optional<Location> loc,
                                           Adaptor adaptor,
                                           SmallVectorImpl<Type> &types) {
  if (failed(requireReal(loc, adaptor.getValue(), "clipgrad")))
    return failure();
  if (!(adaptor.getLimit().convertToDouble() > 0))
    return mistake(loc, "clipgrad needs a limit above 0");
  types.push_back(adaptor.getValue().getType());
  return success();
}

//===----------------------------------------------------------------------===//
// Axes
//===----------------------------------------------------------------------===//

LogicalResult MatchOp::inferReturnTypes(MLIRContext *,
                                        std::optional<Location> loc,
                                        Adaptor adaptor,
                                        SmallVectorImpl<Type> &types) {
  auto left = cast<ValueType>(adaptor.getLhs().getType());
  auto right = cast<ValueType>(adaptor.getRhs().getType());
  if (failed(requireReal(loc, adaptor.getLhs(), "`@`")) ||
      failed(requireReal(loc, adaptor.getRhs(), "`@`")))
    return failure();
  if (left.getAxes().empty() || right.getAxes().empty() ||
      left.getAxes().back() != right.getAxes().front())
    return mistake(loc, "`@` joins axes of different size: the last of " +
                            spell(left) + " and the first of " + spell(right));
  SmallVector<AxisAttr> axes(left.getAxes().drop_back());
  llvm::append_range(axes, right.getAxes().drop_front());
  types.push_back(left.withAxes(axes));
  return success();
}

LogicalResult JoinOp::verify() {
  ValueType left = getLhs().getType(), right = getRhs().getType();
  ValueType result = getResult().getType();
  if (!left.isReal() || !right.isReal() || !result.isReal())
    return emitOpError("`++` needs real numbers");
  if (!left.getRank() || left.getRank() != right.getRank() ||
      result.getRank() != left.getRank() ||
      left.getAxes().drop_back() != right.getAxes().drop_back() ||
      left.getAxes().drop_back() != result.getAxes().drop_back())
    return emitOpError("`++` needs equal axes before the last: ")
           << spell(left) << " and " << spell(right);
  AxisAttr a = left.getAxes().back(), b = right.getAxes().back();
  AxisAttr sum = result.getAxes().back();
  if (a.isTime() || b.isTime() || sum.getSize() != a.getSize() + b.getSize())
    return emitOpError("the joined axis ")
           << sum.getName() << " is not as long as " << a.getName() << " and "
           << b.getName();
  return success();
}

LogicalResult LookupOp::inferReturnTypes(MLIRContext *,
                                         std::optional<Location> loc,
                                         Adaptor adaptor,
                                         SmallVectorImpl<Type> &types) {
  auto table = cast<ValueType>(adaptor.getTable().getType());
  auto index = cast<ValueType>(adaptor.getIndex().getType());
  if (!index.isIndex())
    return mistake(loc, "a look-up needs an index, not " + spell(index));
  if (table.getAxes().empty() ||
      table.getAxes().front() != index.getIndexAxis())
    return mistake(loc, "the index belongs to another axis: " + spell(index) +
                            " looks up the first axis of " + spell(table));
  SmallVector<AxisAttr> axes(index.getAxes());
  llvm::append_range(axes, table.getAxes().drop_front());
  types.push_back(table.withAxes(axes));
  return success();
}

LogicalResult LabelOp::inferReturnTypes(MLIRContext *,
                                        std::optional<Location> loc,
                                        Adaptor adaptor,
                                        SmallVectorImpl<Type> &types) {
  auto type = cast<ValueType>(adaptor.getValue().getType());
  int64_t position = adaptor.getPosition(), label = adaptor.getLabel();
  if (position < 0 || position >= type.getRank())
    return mistake(loc, spell(type) + " has no axis at this position");
  AxisAttr axis = type.getAxes()[position];
  if (axis.isTime() || label < 0 || label >= axis.getSize())
    return mistake(loc, "axis " + axis.getName() + " has no such label");
  SmallVector<AxisAttr> axes(type.getAxes());
  axes.erase(axes.begin() + position);
  types.push_back(type.withAxes(axes));
  return success();
}

std::optional<SmallVector<AxisGroup>>
rnnc::rnn::regroup(ArrayRef<AxisAttr> from, ArrayRef<AxisAttr> to) {
  SmallVector<AxisGroup> groups;
  auto isFixed = [](AxisAttr axis) { return !axis.isTime(); };
  while (!from.empty() && !to.empty()) {
    AxisAttr a = from.front(), b = to.front();
    if (a.isTime() || b.isTime()) {
      if (a != b)
        return std::nullopt;
      groups.push_back({1, 1});
      from = from.drop_front(), to = to.drop_front();
      continue;
    }
    // The smaller side takes more axes until both are as large.
    int64_t left = a.getSize(), right = b.getSize();
    AxisGroup group = {1, 1};
    while (left != right) {
      bool more = left < right;
      ArrayRef<AxisAttr> side = more ? from : to;
      unsigned &count = more ? group.from : group.to;
      if (count >= side.size() || !isFixed(side[count]))
        return std::nullopt;
      (more ? left : right) *= side[count++].getSize();
    }
    // Axes of one entry that have no counterpart belong to the group before.
    auto isUnit = [](ArrayRef<AxisAttr> side, unsigned place) {
      return place < side.size() && side[place].getSize() == 1;
    };
    while (isUnit(from, group.from) && !isUnit(to, group.to))
      ++group.from;
    while (isUnit(to, group.to) && !isUnit(from, group.from))
      ++group.to;
    if (group.from > 1 && group.to > 1)
      return std::nullopt;
    groups.push_back(group);
    from = from.drop_front(group.from), to = to.drop_front(group.to);
  }
  if (!from.empty() || !to.empty())
    return std::nullopt;
  return groups;
}

LogicalResult AsOp::verify() {
  ValueType from = getValue().getType(), to = getResult().getType();
  bool same = from.getKind() == to.getKind() &&
              regroup(from.getAxes(), to.getAxes()).has_value();
  AxisAttr a = from.getIndexAxis(), b = to.getIndexAxis();
  same &= bool(a) == bool(b) && (!a || a.getSize() == b.getSize());
  if (!same)
    return emitOpError("only renames axes of equal size, and splits or joins "
                       "products: ")
           << spell(from) << " as " << spell(to);
  return success();
}

OpFoldResult AsOp::fold(FoldAdaptor) {
  return getValue().getType() == getType() ? getValue() : Value();
}

LogicalResult ReduceLastOp::inferReturnTypes(MLIRContext *,
                                             std::optional<Location> loc,
                                             Adaptor adaptor,
                                             SmallVectorImpl<Type> &types) {
  StringRef what = stringifyReduceKind(adaptor.getKind());
  auto type = cast<ValueType>(adaptor.getValue().getType());
  if (failed(requireReal(loc, adaptor.getValue(), what)))
    return failure();
  if (type.getAxes().empty())
    return mistake(loc, what + " needs an axis to run along");
  bool keeps = adaptor.getKind() == ReduceKind::Softmax ||
               adaptor.getKind() == ReduceKind::LayerNorm;
  types.push_back(keeps ? type : type.withAxes(type.getAxes().drop_back()));
  return success();
}

LogicalResult SequenceOp::inferReturnTypes(MLIRContext *,
                                           std::optional<Location> loc,
                                           Adaptor adaptor,
                                           SmallVectorImpl<Type> &types) {
  StringRef what = stringifySequenceKind(adaptor.getKind());
  auto type = cast<ValueType>(adaptor.getValue().getType());
  if (type.getAxes().empty())
    return mistake(loc, what + " needs a first axis to run along");
  bool shifts = adaptor.getKind() == SequenceKind::Shift;
  if (shifts != bool(adaptor.getFill()))
    return mistake(loc, "`shift`, and only `shift`, puts a value first");
  if (shifts && adaptor.getFill().getType() != type.dropFront())
    return mistake(loc,
                   "`shift` puts " +
                       spell(cast<ValueType>(adaptor.getFill().getType())) +
                       " before " + spell(type));
  bool sums = adaptor.getKind() == SequenceKind::CumSum;
  if (sums && failed(requireReal(loc, adaptor.getValue(), what)))
    return failure();
  if (sums && type.getAxes().front().isTime())
    return mistake(loc, "`cumsum` along a time axis is a recurrence");
  bool keeps = shifts || sums || adaptor.getKind() == SequenceKind::Reverse;
  types.push_back(keeps ? type : type.dropFront());
  return success();
}

LogicalResult ArgMaxOp::inferReturnTypes(MLIRContext *context,
                                         std::optional<Location> loc,
                                         Adaptor adaptor,
                                         SmallVectorImpl<Type> &types) {
  auto type = cast<ValueType>(adaptor.getValue().getType());
  if (failed(requireReal(loc, adaptor.getValue(), "argmax")))
    return failure();
  if (type.getAxes().empty())
    return mistake(loc, "argmax needs an axis to run along");
  types.push_back(ValueType::get(context, type.getAxes().drop_back(),
                                 ValueKind::Index, type.getAxes().back()));
  return success();
}

LogicalResult OneHotOp::inferReturnTypes(MLIRContext *context,
                                         std::optional<Location> loc,
                                         Adaptor adaptor,
                                         SmallVectorImpl<Type> &types) {
  auto type = cast<ValueType>(adaptor.getIndex().getType());
  if (!type.isIndex())
    return mistake(loc, "onehot needs an index, not " + spell(type));
  SmallVector<AxisAttr> axes(type.getAxes());
  axes.push_back(type.getIndexAxis());
  types.push_back(ValueType::real(context, axes));
  return success();
}
