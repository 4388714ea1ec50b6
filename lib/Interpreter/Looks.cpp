// Looks.cpp - states that can be moved, and softmaxes over time.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Looks.h"

#include "Example.h"

using namespace mlir;
using namespace rnnc;
using namespace rnnc::interp;

/// The recurrences along time of a model that stand in nothing else.
static std::vector<Operation *> recurrencesOf(rnn::ModuleOp module) {
  std::vector<Operation *> found;
  for (Operation &op : module.getBody().front())
    if (auto scan = dyn_cast<rnn::ScanOp>(op);
        isa<rnn::UnfoldOp>(op) || (scan && scan.getAxis().isTime()))
      found.push_back(&op);
  return found;
}

static rnn::AxisAttr axisOf(Operation *recurrence) {
  auto scan = dyn_cast<rnn::ScanOp>(recurrence);
  return scan ? scan.getAxis() : cast<rnn::UnfoldOp>(recurrence).getAxis();
}

std::vector<StateProbe> rnnc::interp::findProbes(rnn::ModuleOp module) {
  std::vector<StateProbe> probes;
  std::map<std::string, int> used;
  for (Operation *op : recurrencesOf(module)) {
    auto scan = dyn_cast<rnn::ScanOp>(op);
    auto unfold = dyn_cast<rnn::UnfoldOp>(op);
    ArrayAttr names = scan ? scan.getStates() : unfold.getStates();
    OperandRange first = scan ? scan.getInit() : unfold.getInit();
    ValueRange next =
        scan ? scan.getYield().getNext() : unfold.getYield().getNext();
    for (auto [i, name] : llvm::enumerate(names.getAsRange<StringAttr>())) {
      auto type = cast<rnn::ValueType>(first[i].getType());
      std::string path = name.getValue().str();
      if (int count = ++used[path]; count > 1)
        path += "." + std::to_string(count);
      if (scan && scan.getReverse())
        path += ".backward";
      if (type.isReal())
        probes.push_back({path, op, unsigned(i), next[i],
                          scan && scan.getReverse(),
                          type.pushFront(axisOf(op))});
    }
  }
  return probes;
}

static bool isSoftmaxOverTime(Operation &op) {
  if (auto bind = dyn_cast<rnn::BindOp>(op))
    return bind.getKind() == rnn::BindKind::Softmax && bind.getAxis().isTime();
  auto reduce = dyn_cast<rnn::ReduceLastOp>(op);
  return reduce && reduce.getKind() == rnn::ReduceKind::Softmax &&
         reduce.getValue().getType().getAxes().back().isTime();
}

std::vector<Look> rnnc::interp::findLooks(rnn::ModuleOp module) {
  std::vector<Look> looks;
  auto add = [&](Block &block, Operation *recurrence) {
    for (Operation &op : block) {
      if (!isSoftmaxOverTime(op))
        continue;
      auto type = cast<rnn::ValueType>(op.getResult(0).getType());
      looks.push_back({"", op.getResult(0), recurrence,
                       recurrence ? type.pushFront(axisOf(recurrence)) : type});
    }
  };
  std::vector<Operation *> recurrences = recurrencesOf(module);
  for (Operation &op : module.getBody().front()) {
    if (isSoftmaxOverTime(op)) {
      auto type = cast<rnn::ValueType>(op.getResult(0).getType());
      looks.push_back({"", op.getResult(0), nullptr, type});
    }
    if (llvm::is_contained(recurrences, &op))
      add(op.getRegion(0).front(), &op);
  }
  for (auto [i, look] : llvm::enumerate(looks))
    look.name =
        looks.size() == 1 ? "weights" : "weights." + std::to_string(i + 1);
  return looks;
}

//===----------------------------------------------------------------------===//
// In a run
//===----------------------------------------------------------------------===//

void Example::watch(const std::vector<StateProbe> &states,
                    const std::vector<Look> &weights) {
  for (const StateProbe &probe : states) {
    if (!given.count("state." + probe.name))
      continue;
    probes[{probe.recurrence, probe.state}] = &probe;
    Operation *maker = probe.next.getDefiningOp();
    if (maker && maker->getParentOp() == probe.recurrence)
      owners.try_emplace(probe.next, &probe);
  }
  for (const Look &look : weights)
    looks[look.weights] = &look;
}

/// The sum of a state's next value and what is added to it in this step.
Array Example::moved(Array next, const StateProbe &probe) {
  Array by = entry(given.at("state." + probe.name), frames.back().index);
  for (int64_t i = 0; i < next.size(); ++i)
    next.data[i] += by.data[i];
  return next;
}

/// The next value of a state: moved where no op of the step made it.
Array Example::nextState(Operation *recurrence, unsigned state, Value next) {
  const StateProbe *probe = probes.lookup({recurrence, state});
  bool isMoved = !probe || owners.lookup(next) == probe;
  return isMoved ? get(next) : moved(get(next), *probe);
}

/// An op of a block was evaluated. What reads a state from here on reads what
/// is added to it as well.
void Example::lookAt(Operation &op) {
  if (owners.empty() && looks.empty())
    return;
  for (Value value : op.getResults()) {
    if (const StateProbe *probe = owners.lookup(value))
      set(value, moved(get(value), *probe));
    const Look *look = looks.lookup(value);
    if (look && look->recurrence)
      setEntry(result->outputs[look->name], frames.back().index, get(value));
    else if (look)
      result->outputs[look->name] = get(value);
  }
}

/// Whether an entry of a cost belongs to the step that `lossOf` names.
bool Example::isAtStep(ArrayRef<rnn::AxisAttr> axes, const Shape &index) {
  if (options.lossOf == LossOf::AllSteps)
    return true;
  for (size_t k = 0; k < axes.size() && axes[k].isTime(); ++k) {
    int64_t last = lengths.lengthAt(axes, k, index) - 1;
    if (index[k] != (options.lossOf == LossOf::LastStep ? last : 0))
      return false;
  }
  return true;
}
