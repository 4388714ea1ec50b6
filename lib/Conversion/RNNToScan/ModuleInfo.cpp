// ModuleInfo.cpp: what a module consists of, and what it can be asked for.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Functions.h"

#include "mlir/Transforms/RegionUtils.h"
#include "rnnc/Dialect/RNN/Needed.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace rnnc::batch {

static void addTimes(SmallVectorImpl<std::string> &times, rnn::ValueType type) {
  for (rnn::AxisAttr axis : type.getAxes())
    if (axis.isTime() && !llvm::is_contained(times, axis.getName()))
      times.push_back(axis.getName().str());
}

static void addStates(SmallVectorImpl<StateInfo> &states, ArrayAttr names,
                      ValueRange inits, Location loc) {
  for (auto [name, init] : llvm::zip(names.getAsRange<StringAttr>(), inits))
    states.push_back(
        {name.getValue().str(), cast<rnn::ValueType>(init.getType()), loc});
}

/// `{kind = "every", amount = 10}`: steps, or bytes.
static scan::CheckpointAttr checkpointOf(DictionaryAttr train) {
  auto setting = train.getAs<DictionaryAttr>("checkpoint");
  auto kind = setting ? setting.getAs<StringAttr>("kind") : StringAttr();
  auto amount = setting ? setting.getAs<IntegerAttr>("amount") : IntegerAttr();
  auto known =
      kind ? scan::symbolizeCheckpointKind(kind.getValue()) : std::nullopt;
  if (!known)
    return {};
  return scan::CheckpointAttr::get(train.getContext(), *known,
                                   amount ? amount.getInt() : 0);
}

ModuleInfo::ModuleInfo(rnn::ModuleOp module) : module(module), nesting(module) {
  for (Operation &op : module.getBody().front()) {
    llvm::TypeSwitch<Operation *>(&op)
        .Case([&](rnn::ParamOp op) { params.push_back(op); })
        .Case([&](rnn::InputOp op) {
          inputs.push_back(op);
          addTimes(times, op.getType());
        })
        .Case([&](rnn::OutputOp op) {
          outputs.push_back(op);
          addTimes(times, op.getType());
        })
        .Case([&](rnn::FirstStateOp op) { firstStates.push_back(op); })
        .Case([&](rnn::ObserveOp op) { observes.push_back(op); })
        .Case([&](rnn::LossOp op) { losses.push_back(op); })
        .Case([&](rnn::ResultOp op) { results.push_back(op); })
        .Case([&](rnn::FinalStateOp op) { finalStates.push_back(op); })
        .Case([&](rnn::ScanOp op) {
          if (!op.getAxis().isTime())
            return;
          addStates(states, op.getStates(), op.getInit(), op.getLoc());
          recurrences.push_back(op);
        })
        .Case([&](rnn::UnfoldOp op) {
          addStates(states, op.getStates(), op.getInit(), op.getLoc());
          recurrences.push_back(op);
        });
  }
  module.walk([&](Operation *op) {
    rnn::AxisAttr tied;
    random |= rnn::draws(op, tied) && !rnn::isInSample(op);
  });
  DictionaryAttr train = module.getTrain();
  if (auto bptt = train.getAs<DictionaryAttr>("bptt")) {
    if (auto steps = bptt.getAs<IntegerAttr>("steps"))
      bpttSteps = steps.getInt();
    if (auto carry = bptt.getAs<BoolAttr>("carry"))
      bpttCarry = carry.getValue();
  }
  checkpoint = checkpointOf(train);
  if (auto per = train.getAs<StringAttr>("per"))
    perExample = per.getValue() == "example";
  unfolding = Unfolding::of(*this);
  drawsFromInputs = unfolding && (unfolding->readsInputs ||
                                  !unfolding->op.getAxis().isTime() ||
                                  unfolding->isSampled());
  if (!drawsFromInputs)
    return;
  // What runs before it begins keeps nothing from step to step.
  rnn::UnfoldOp op = unfolding->op;
  states.clear();
  addStates(states, op.getStates(), op.getInit(), op.getLoc());
}

static std::optional<rnn::AxisAttr> firstTime(rnn::ValueType type) {
  if (type.getRank() > 0 && type.getAxes().front().isTime())
    return type.getAxes().front();
  return std::nullopt;
}

static bool lastIsTime(Value value) {
  auto type = cast<rnn::ValueType>(value.getType());
  return type.getRank() > 0 && type.getAxes().back().isTime();
}

/// Why one op cannot run step by step; empty if it can.
static std::string againstStep(Operation *op) {
  using llvm::TypeSwitch;
  return TypeSwitch<Operation *, std::string>(op)
      .Case([](rnn::ScanOp op) -> std::string {
        return op.getReverse() && op.getAxis().isTime()
                   ? "it runs backward over a time axis"
                   : "";
      })
      .Case([](rnn::BindOp op) -> std::string {
        if (!op.getAxis().isTime())
          return "";
        if (op.getKind() != rnn::BindKind::For)
          return "it reduces over a time axis";
        for (auto around = op->getParentOfType<rnn::BindOp>(); around;
             around = around->getParentOfType<rnn::BindOp>())
          if (around.getAxis() == op.getAxis())
            return "it needs other steps than the present one";
        return "";
      })
      .Case([](rnn::UnfoldOp op) -> std::string {
        return !op.getAxis().isTime() && !op.getOver().empty()
                   ? "it writes along a fixed axis, which has no present step"
                   : "";
      })
      .Case([](rnn::OneHotOp op) -> std::string {
        return op.getIndex().getType().getIndexAxis().isTime()
                   ? "it needs the whole of a time axis"
                   : "";
      })
      .Case([](rnn::DistOp op) -> std::string {
        return op.getKind() == rnn::DistKind::Categorical &&
                       lastIsTime(op.getArgs().front())
                   ? "it draws one step of a time axis"
                   : "";
      })
      .Case([](rnn::ReduceLastOp op) -> std::string {
        return lastIsTime(op.getValue()) ? "it reduces over a time axis" : "";
      })
      .Case([](rnn::ArgMaxOp op) -> std::string {
        return lastIsTime(op.getValue()) ? "it reduces over a time axis" : "";
      })
      .Case([](rnn::MatchOp op) -> std::string {
        return lastIsTime(op.getLhs()) ? "it reduces over a time axis" : "";
      })
      .Case([](rnn::SequenceOp op) -> std::string {
        auto type = cast<rnn::ValueType>(op.getValue().getType());
        return firstTime(type) && op.getKind() != rnn::SequenceKind::Last
                   ? "it needs other steps than the present one"
                   : "";
      })
      .Case([](rnn::LookupOp op) -> std::string {
        auto type = cast<rnn::ValueType>(op.getTable().getType());
        auto argument = dyn_cast<BlockArgument>(op.getIndex());
        bool own =
            argument && isa<rnn::BindOp>(argument.getOwner()->getParentOp());
        return firstTime(type) && !own
                   ? "it needs other steps than the present one"
                   : "";
      })
      .Default([](Operation *) { return std::string(); });
}

/// Two recurrences with the same states cannot both keep them between calls.
static const StateInfo *repeatedState(ArrayRef<StateInfo> states) {
  llvm::StringSet<> seen;
  for (const StateInfo &state : states)
    if (!seen.insert(state.name).second)
      return &state;
  return nullptr;
}

/// What an op reads, in its regions too.
static SetVector<Value> readBy(Operation *op) {
  SetVector<Value> values(op->operand_begin(), op->operand_end());
  for (Region &region : op->getRegions())
    getUsedValuesDefinedAbove(region, values);
  return values;
}

/// Whether an op takes the end of a sequence: another value after each step.
static bool takesLast(Operation *op) {
  auto part = dyn_cast<rnn::SequenceOp>(op);
  return part && part.getKind() == rnn::SequenceKind::Last &&
         firstTime(cast<rnn::ValueType>(part.getValue().getType()));
}

/// Whether a value is what a recurrence ends with.
static bool isEnd(Value value) {
  auto scan = value.getDefiningOp<rnn::ScanOp>();
  return scan && scan.getAxis().isTime() &&
         llvm::is_contained(scan.getFinals(), value);
}

/// A recurrence has taken its steps with what another one ended with then, and
/// would have to take them again when that goes on.
static bool followsAnEnd(rnn::ScanOp scan) {
  SmallVector<Operation *> open;
  DenseSet<Operation *> seen;
  if (scan.getAxis().isTime())
    open.push_back(scan);
  while (!open.empty()) {
    Operation *op = open.pop_back_val();
    for (Value value : readBy(op)) {
      if (isEnd(value))
        return true;
      Operation *before = value.getDefiningOp();
      if (!before || !seen.insert(before).second)
        continue;
      auto found = before->walk([](Operation *inner) {
        return takesLast(inner) ? WalkResult::interrupt()
                                : WalkResult::advance();
      });
      if (found.wasInterrupted())
        return true;
      open.push_back(before);
    }
  }
  return false;
}

std::pair<Location, std::string> ModuleInfo::reasonAgainstStep() const {
  rnn::ModuleOp op = module;
  if (times.empty())
    return {op.getLoc(), "it has no time axis"};
  if (times.size() > 1)
    return {op.getLoc(), "it has several time axes"};
  if (const StateInfo *state = repeatedState(states))
    return {state->loc, "two recurrences keep the state `" + state->name + "`"};
  std::pair<Location, std::string> reason(op.getLoc(), "");
  // What only a loss reads is no part of a step.
  DenseSet<Operation *> needed = rnn::neededFor(op, rnn::rootsOfStep(op));
  auto isLeft = [&](Operation *inner) {
    return isModel() &&
           !needed.contains(op.getBody().front().findAncestorOpInBlock(*inner));
  };
  op.walk([&](Operation *inner) {
    if (inner == op || isLeft(inner))
      return WalkResult::advance();
    std::string why = againstStep(inner);
    auto loop = inner->getParentOfType<rnn::ScanOp>();
    bool nested = inner->getParentOfType<rnn::UnfoldOp>() ||
                  (loop && loop.getAxis().isTime());
    auto scan = dyn_cast<rnn::ScanOp>(inner);
    if (scan && scan.getAxis().isTime() && nested)
      why = "it has a recurrence over time inside another";
    for (Operation *around = inner; scan && around;
         around = around->getParentOp())
      if (auto bind = dyn_cast<rnn::BindOp>(around);
          bind && bind.getAxis().isTime() && scan.getAxis().isTime())
        why = "it has a recurrence over time for each step";
    if (scan && why.empty() && followsAnEnd(scan))
      why = "a recurrence depends on how another one ends";
    if (why.empty())
      return WalkResult::advance();
    reason = {inner->getLoc(), why};
    return WalkResult::interrupt();
  });
  for (Operation *user : usersOfData())
    if (!isLeft(user))
      return {user->getLoc(), "it reads the data of an output"};
  return reason;
}

StringRef ModuleInfo::unknownTime(ValueRange values) const {
  auto isGiven = [&](rnn::AxisAttr axis) {
    return llvm::any_of(inputs, [&](rnn::InputOp op) {
      return llvm::any_of(
          rnn::InputOp(op).getType().getAxes(),
          [&](rnn::AxisAttr own) { return own.getName() == axis.getName(); });
    });
  };
  StringRef unknown;
  auto look = [&](rnn::AxisAttr axis) {
    if (axis.isTime() && !isGiven(axis))
      unknown = axis.getName();
  };
  DenseSet<Operation *> seen;
  SmallVector<Value> open(values);
  while (!open.empty()) {
    Value value = open.pop_back_val();
    if (auto type = dyn_cast<rnn::ValueType>(value.getType()))
      llvm::for_each(type.getAxes(), look);
    Operation *op = value.getDefiningOp();
    if (!op || !seen.insert(op).second)
      continue;
    SetVector<Value> needed(op->operand_begin(), op->operand_end());
    // How probable something is does not matter where it is given.
    auto law = dyn_cast<rnn::LawOp>(op);
    for (Region &region : op->getRegions()) {
      if (law && &region == &law.getLogp())
        continue;
      region.walk([&](rnn::BindOp bind) { look(bind.getAxis()); });
      getUsedValuesDefinedAbove(region, needed);
    }
    if (auto bind = dyn_cast<rnn::BindOp>(op))
      look(bind.getAxis());
    open.append(needed.begin(), needed.end());
  }
  return unknown;
}

SmallVector<Operation *> ModuleInfo::usersOfData() const {
  SmallVector<Operation *> users;
  for (rnn::OutputOp output : outputs)
    llvm::copy_if(output->getUsers(), std::back_inserter(users),
                  [](Operation *user) { return !isa<rnn::ObserveOp>(user); });
  for (Operation *op : recurrences)
    if (auto unfold = dyn_cast<rnn::UnfoldOp>(op))
      for (Value last : unfold.getFinals())
        llvm::append_range(users, last.getUsers());
  return users;
}

/// Where the place of a step is taken as a number: parts of a sequence count
/// their steps anew.
static Operation *countsSteps(rnn::ModuleOp module,
                              const DenseSet<Operation *> &needed) {
  Operation *found = nullptr;
  Block &body = module.getBody().front();
  module.walk([&](rnn::BindOp bind) {
    if (!bind.getAxis().isTime() ||
        !needed.contains(body.findAncestorOpInBlock(*bind)))
      return;
    for (OpOperand &use : bind.getIndex().getUses()) {
      auto lookup = dyn_cast<rnn::LookupOp>(use.getOwner());
      if (!lookup || lookup.getTable() == bind.getIndex())
        found = use.getOwner();
    }
  });
  return found;
}

static bool isTimed(Type type) {
  auto value = dyn_cast<rnn::ValueType>(type);
  return value && llvm::any_of(value.getAxes(), [](rnn::AxisAttr axis) {
           return axis.isTime();
         });
}

/// Where an output of a step depends on the end of the sequence.
static Operation *waitsForEnd(rnn::ModuleOp module,
                              const DenseSet<Operation *> &needed) {
  llvm::DenseSet<Value> ends;
  for (Operation &op : module.getBody().front()) {
    if (!needed.contains(&op))
      continue;
    auto takesEnd = [](Operation *inner) {
      auto sequence = dyn_cast<rnn::SequenceOp>(inner);
      return sequence && firstTime(sequence.getValue().getType());
    };
    bool reads = false;
    op.walk([&](Operation *inner) {
      reads |= (inner != &op && takesEnd(inner)) ||
               llvm::any_of(inner->getOperands(),
                            [&](Value v) { return ends.contains(v); });
    });
    bool recurs =
        isa<rnn::ScanOp>(op) && cast<rnn::ScanOp>(op).getAxis().isTime();
    bool timed = recurs || llvm::any_of(op.getOperandTypes(), isTimed) ||
                 llvm::any_of(op.getResultTypes(), isTimed);
    if (reads && timed)
      return &op;
    if (reads || takesEnd(&op))
      ends.insert(op.result_begin(), op.result_end());
    if (recurs)
      for (Value last : cast<rnn::ScanOp>(op).getFinals())
        ends.insert(last);
  }
  return nullptr;
}

std::pair<Location, std::string> ModuleInfo::reasonAgainstParts() const {
  auto reason = reasonAgainstStep();
  if (!reason.second.empty())
    return reason;
  rnn::ModuleOp op = module;
  for (rnn::ObserveOp observe : observes) {
    auto type =
        cast<rnn::ValueType>(rnn::ObserveOp(observe).getData().getType());
    if (isUnfold(observe))
      return {rnn::ObserveOp(observe).getLoc(), "it reads what it predicts"};
    if (!firstTime(type) ||
        llvm::any_of(type.getAxes().drop_front(),
                     [](rnn::AxisAttr axis) { return axis.isTime(); }))
      return {rnn::ObserveOp(observe).getLoc(),
              "`" + rnn::ObserveOp(observe).getName().str() +
                  "` has no value for each step"};
  }
  if (states.empty())
    return {op.getLoc(), "it keeps no state: `predict` takes a part as well"};
  for (const StateInfo &state : states)
    if (isTimed(state.type))
      return {state.loc,
              "the state `" + state.name + "` is as long as the sequence"};
  DenseSet<Operation *> needed = rnn::neededFor(op, rnn::rootsOfStep(op));
  if (Operation *place = countsSteps(op, needed))
    return {place->getLoc(), "the number of a step is used"};
  if (Operation *place = waitsForEnd(op, needed))
    return {place->getLoc(), "it needs the end of the sequence"};
  return reason;
}

std::pair<Location, std::string> ModuleInfo::reasonAgainstCarry() const {
  rnn::ModuleOp op = module;
  if (const StateInfo *state = repeatedState(states))
    return {state->loc, "two recurrences keep the state `" + state->name + "`"};
  std::pair<Location, std::string> reason(op.getLoc(), "");
  op.walk([&](Operation *inner) {
    if (auto scan = dyn_cast<rnn::ScanOp>(inner))
      if (scan.getReverse() && scan.getAxis().isTime())
        reason = {inner->getLoc(), "a scan runs backward"};
    if (auto sequence = dyn_cast<rnn::SequenceOp>(inner))
      if (sequence.getKind() == rnn::SequenceKind::Shift &&
          firstTime(cast<rnn::ValueType>(sequence.getValue().getType())))
        reason = {inner->getLoc(),
                  "`shift` would need the step before the chunk"};
  });
  unsigned unfolds = 0;
  for (rnn::ObserveOp observe : observes) {
    auto law = observe.getDist().getDefiningOp<rnn::LawOp>();
    if (law && law.drawsSequence())
      reason = {observe.getLoc(),
                "`" + law.getName().str() + "` draws a whole sequence at once"};
    if (!isUnfold(observe))
      continue;
    if (drawsFromInputs)
      reason = {observe.getLoc(),
                "what is unfolded depends on what a chunk does not see"};
    auto type = cast<rnn::ValueType>(observe.getData().getType());
    if (++unfolds > 1)
      reason = {observe.getLoc(), "a second output is unfolded"};
    else if (!type.isIndex() || type.getRank() != 1)
      reason = {observe.getLoc(), "what is fed back is not one index"};
  }
  return reason;
}

} // namespace rnnc::batch
