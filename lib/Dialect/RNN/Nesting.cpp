// Nesting.cpp - time axes that have a length for each element of others.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Dialect/RNN/Nesting.h"

#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace rnnc::rnn;

/// What comes from outside, and has lengths with it.
static ValueType portType(Operation &op) {
  if (isa<InputOp, OutputOp, FirstStateOp>(op))
    return cast<ValueType>(op.getResult(0).getType());
  return {};
}

Nesting::Nesting(rnnc::rnn::ModuleOp module) {
  llvm::StringSet<> first;
  for (Operation &op : module.getBody().front()) {
    ValueType type = portType(op);
    SmallVector<AxisAttr> times;
    if (type)
      llvm::copy_if(type.getAxes(), std::back_inserter(times),
                    [](AxisAttr axis) { return axis.isTime(); });
    for (auto [i, axis] : llvm::enumerate(times)) {
      ArrayRef<AxisAttr> left = ArrayRef(times).take_front(i);
      if (left.empty()) {
        first.insert(axis.getName());
        continue;
      }
      auto [known, isNew] = inner.try_emplace(axis.getName());
      if (isNew)
        known->second = {SmallVector<AxisAttr>(left), &op};
      else if (ArrayRef(known->second.around) != left)
        known->second.differs = &op;
    }
  }
  for (auto &axis : first)
    inner.erase(axis.first());
}

ArrayRef<AxisAttr> Nesting::around(StringRef axis) const {
  auto found = inner.find(axis);
  if (found == inner.end())
    return {};
  return found->second.around;
}

//===----------------------------------------------------------------------===//
// The rule: where a value has the inner axis, either the outer one is left of
// it, or the value belongs to one element of the outer axis, that of the
// innermost binder or recurrence along it.
//===----------------------------------------------------------------------===//

namespace {
/// An axis of a value with nothing around it: its element is that of a binder
/// or a recurrence.
struct OpenAxis {
  AxisAttr axis, outer;
  explicit operator bool() const { return bool(axis); }
};

class NestingChecker {
public:
  NestingChecker(const Nesting &nesting, Nesting::ErrorFn error)
      : nesting(nesting), error(error) {}

  bool run(rnnc::rnn::ModuleOp module) {
    module.walk([&](Operation *op) {
      if (op == module.getOperation())
        return WalkResult::advance();
      // One mistake gives one message.
      return isFine(op) ? WalkResult::advance() : WalkResult::interrupt();
    });
    return fine;
  }

private:
  bool isFine(Operation *op) {
    for (Value operand : op->getOperands())
      if (!isOwnElement(op, operand))
        return false;
    return llvm::TypeSwitch<Operation *, bool>(op)
        .Case([&](LookupOp lookup) { return isFine(lookup); })
        .Case([&](MatchOp match) { return isFine(match); })
        .Case([&](SequenceOp sequence) { return isFine(sequence); })
        .Case([&](BindOp bind) { return isFine(bind); })
        .Case<ScanOp, UnfoldOp>([&](auto loop) { return keepsFine(loop); })
        .Default([&](Operation *op) { return repeatsFine(op); });
  }

  bool fail(Operation *op, OpenAxis open, const std::string &what) {
    fine = false;
    error(op, "`" + open.axis.getName().str() +
                  "` has a length of its own for each element of `" +
                  open.outer.getName().str() + "`: " + what);
    return false;
  }

  /// The axes of `type` from `from` on for which `left` holds no outer axis.
  OpenAxis openIn(ValueType type, unsigned from = 0,
                  AxisAttr outer = AxisAttr()) const {
    if (!type)
      return {};
    ArrayRef<AxisAttr> axes = type.getAxes();
    for (unsigned i = from; i < axes.size(); ++i)
      for (AxisAttr around : nesting.around(axes[i]))
        if ((!outer || outer == around) &&
            !llvm::is_contained(axes.slice(from, i - from), around))
          return {axes[i], around};
    return {};
  }

  static ValueType typeOf(Value value) {
    return dyn_cast<ValueType>(value.getType());
  }

  /// The innermost binder or recurrence along an axis around a block.
  static Operation *frameOf(Block *block, AxisAttr axis) {
    for (Operation *op = block ? block->getParentOp() : nullptr; op;
         op = op->getParentOp()) {
      AxisAttr along;
      if (auto bind = dyn_cast<BindOp>(op))
        along = bind.getAxis();
      else if (auto scan = dyn_cast<ScanOp>(op))
        along = scan.getAxis();
      else if (auto unfold = dyn_cast<UnfoldOp>(op))
        along = unfold.getAxis();
      if (along == axis)
        return op;
    }
    return nullptr;
  }

  bool isOwnElement(Operation *op, Value operand) {
    ValueType type = typeOf(operand);
    if (!type)
      return true;
    ArrayRef<AxisAttr> axes = type.getAxes();
    for (unsigned i = 0; i < axes.size(); ++i)
      for (AxisAttr around : nesting.around(axes[i])) {
        if (llvm::is_contained(axes.take_front(i), around))
          continue;
        Operation *made = frameOf(operand.getParentBlock(), around);
        if (made && made == frameOf(op->getBlock(), around))
          continue;
        return fail(op, {axes[i], around},
                    "a value along it alone belongs inside of `for " +
                        lower(around) + " in " + around.getName().str() +
                        "`, and stays with its element");
      }
    // An index along it, too.
    if (type.isIndex())
      for (AxisAttr around : nesting.around(type.getIndexAxis()))
        if (!llvm::is_contained(axes, around) &&
            !frameOf(op->getBlock(), around))
          return fail(op, {type.getIndexAxis(), around},
                      "an index of it belongs inside of `for " + lower(around) +
                          " in " + around.getName().str() + "`");
    return true;
  }

  static std::string lower(AxisAttr axis) { return axis.getName().lower(); }

  bool isFine(LookupOp op) {
    ValueType table = op.getTable().getType();
    ValueType index = op.getIndex().getType();
    AxisAttr along = table.getAxes().front();
    if (OpenAxis open = openIn(table.dropFront(), 0, along)) {
      auto argument = dyn_cast<BlockArgument>(op.getIndex());
      auto bind = argument
                      ? dyn_cast<BindOp>(argument.getOwner()->getParentOp())
                      : BindOp();
      if (!bind || bind != frameOf(op->getBlock(), along))
        return fail(op, open,
                    "only the innermost `for` along `" + along.getName().str() +
                        "` looks up here");
    }
    return isCaught(op, table.dropFront(), index.getAxes());
  }

  /// Whether axes that come to stand left of a value's own become the outer
  /// axes of what it has.
  bool isCaught(Operation *op, ValueType type, ArrayRef<AxisAttr> left) {
    for (AxisAttr outer : left)
      if (OpenAxis open = openIn(type, 0, outer))
        return fail(op, open,
                    "what belongs to one element of `" + outer.getName().str() +
                        "` would stand for all");
    return true;
  }

  bool isFine(MatchOp op) {
    ValueType x = op.getLhs().getType(), y = op.getRhs().getType();
    AxisAttr summed = y.getAxes().front();
    if (OpenAxis open = openIn(y, 1, summed))
      return fail(op, open,
                  "a sum over `" + summed.getName().str() + "` takes several");
    for (AxisAttr around : nesting.around(summed))
      if (llvm::is_contained(x.getAxes(), around))
        return fail(op, {summed, around}, "this sum takes several");
    return isCaught(op, y.dropFront(), x.getAxes().drop_back());
  }

  bool isFine(SequenceOp op) {
    ValueType type = op.getValue().getType();
    if (!type.getRank())
      return true;
    if (OpenAxis open = openIn(type, 1, type.getAxes().front()))
      return fail(op, open, "its elements cannot be moved or taken out");
    return true;
  }

  bool isFine(BindOp op) {
    for (AxisAttr around : nesting.around(op.getAxis()))
      if (!frameOf(op->getBlock(), around))
        return fail(op, {op.getAxis(), around}, "this is of no element");
    if (op.getKind() == BindKind::For)
      return true;
    if (OpenAxis open = openIn(typeOf(op.getYielded()), 0, op.getAxis()))
      return fail(op, open, "there is nothing along it to put together");
    return true;
  }

  template <typename OpTy> bool keepsFine(OpTy op) {
    for (Value state : op.getStateArgs())
      if (OpenAxis open = openIn(typeOf(state), 0, op.getAxis()))
        return fail(op, open, "a state cannot keep a value along it");
    return true;
  }

  /// Smaller operands are repeated along the axes in front.
  bool repeatsFine(Operation *op) {
    if (op->getNumRegions() || op->getNumResults() != 1)
      return true;
    ValueType result = typeOf(op->getResult(0));
    for (Value operand : op->getOperands()) {
      ValueType type = typeOf(operand);
      if (!result || !type || type.getRank() >= result.getRank())
        continue;
      if (!isCaught(op, type, result.getAxes().drop_back(type.getRank())))
        return false;
    }
    return true;
  }

  const Nesting &nesting;
  Nesting::ErrorFn error;
  bool fine = true;
};
} // namespace

bool Nesting::check(rnnc::rnn::ModuleOp module, ErrorFn error) const {
  for (const auto &axis : inner)
    if (const InnerAxis &one = axis.second; one.differs) {
      error(one.differs, "`" + axis.first().str() + "` stands inside of " +
                             spell(one.around) + " elsewhere, and of other " +
                             "axes here");
      return false;
    }
  return !any() || NestingChecker(*this, error).run(module);
}
