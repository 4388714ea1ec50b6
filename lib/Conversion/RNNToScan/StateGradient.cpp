// StateGradient.cpp: how the loss depends on each state, step by step.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Zeros of all steps are added to the states; their gradient is that of the
// states. What runs forward is asked about the loss of the last step, what runs
// backward about that of the first: the distance between a step and the loss is
// then known, and each picture of vanishing and exploding gradients needs that.

#include "Functions.h"

#include "rnnc/Dialect/Grad/Grad.h"

using namespace mlir;

namespace rnnc::batch {

/// Two uses of one instance have states of the same path.
static std::string uniqueName(StringRef name, llvm::StringMap<int> &used) {
  int count = ++used[name];
  return count == 1 ? name.str() : (name + "." + Twine(count)).str();
}

SmallVector<FunctionMaker::Probe, 0> FunctionMaker::findProbes() {
  SmallVector<Probe, 0> probes;
  llvm::StringMap<int> used;
  auto add = [&](Operation *op, rnn::AxisAttr axis, ValueRange inits,
                 ArrayAttr names, bool backward) {
    for (auto [i, init] : llvm::enumerate(inits)) {
      auto type = cast<rnn::ValueType>(init.getType());
      std::string name =
          uniqueName(cast<StringAttr>(names[i]).getValue(), used);
      if (type.isReal()) // others have no gradient
        probes.push_back(
            {op, unsigned(i), backward, type.pushFront(axis), name});
    }
  };
  for (Operation &op : info.module->getRegion(0).front()) {
    if (auto scan = dyn_cast<rnn::ScanOp>(op); scan && scan.getAxis().isTime())
      add(scan, scan.getAxis(), scan.getInit(), scan.getStates(),
          scan.getReverse());
    if (auto unfold = dyn_cast<rnn::UnfoldOp>(op))
      add(unfold, unfold.getAxis(), unfold.getInit(), unfold.getStates(),
          false);
  }
  return probes;
}

static std::string objectiveName(scan::StepKind step) {
  return ("objective_" + scan::stringifyStepKind(step)).str();
}

/// The loss of one step, with what is added to the states as arguments.
LogicalResult FunctionMaker::makeProbedObjective(ArrayRef<Probe> probes,
                                                 scan::StepKind step) {
  LoweringOptions options;
  options.training = info.random;
  options.differentiated = true;
  options.lossAt = step;
  // A chunk that carries its states on is looked at as one that begins.
  if (!info.bpttCarry)
    options.segment = info.bpttSteps;
  SmallVector<Slot> slots = lossSlots(/*carried=*/false);
  for (const Probe &probe : probes)
    slots.push_back(valueSlot(probe.name, Role::Cot, probe.type, false));
  if (info.random)
    slots.push_back(seedSlot());
  auto body = [&](Lowering &lowering) {
    for (const Probe &probe : probes)
      lowering.probes[{probe.recurrence, probe.state}] =
          bindValue(lowering, argument(probe.name, Role::Cot), probe.type);
    return bodyOfLoss(lowering);
  };
  return make(objectiveName(step), slots, options, body, /*isPrivate=*/true);
}

LogicalResult FunctionMaker::makeStateGradient() {
  rnn::ModuleOp module = info.module;
  SmallVector<Probe, 0> probes = findProbes();
  if (probes.empty())
    return module.emitError("[E404] `state_grad` is not possible for this "
                            "module: no recurrence keeps a state of numbers");
  OpBuilder::InsertionGuard guard(b);
  Location loc = module.getLoc();
  SmallVector<Slot> own = lossSlots(/*carried=*/false);
  unsigned before = own.size();
  if (info.random)
    own.push_back(seedSlot());
  SmallVector<scan::StepKind> steps;
  for (scan::StepKind step : {scan::StepKind::last, scan::StepKind::first})
    if (llvm::any_of(probes, [&](const Probe &probe) {
          return probe.backward == (step == scan::StepKind::first);
        }))
      steps.push_back(step);
  for (scan::StepKind step : steps)
    if (failed(makeProbedObjective(probes, step)))
      return failure();

  args = own;
  results.clear();
  returned.clear();
  for (const Probe &probe : probes) {
    std::string name = "grad.state." + probe.name;
    results.push_back(valueSlot(probe.backward ? name + ".backward" : name,
                                Role::Grad, probe.type, /*step=*/false));
  }
  declare("state_grad", /*isPrivate=*/false);
  Lowering sizes(b, real, {});
  sizes.e.loc = loc;
  bindSizes(sizes);
  SmallVector<Value> operands(function.getArguments().take_front(before));
  for (const Probe &probe : probes) {
    Axes axes = Lowering::axesOf(probe.type);
    Dims dims = {batchDim()};
    for (unsigned i = 0; i < axes.size(); ++i)
      dims.push_back(axisDim(i));
    operands.push_back(sizes.e.align(sizes.e.constant(0), dims, axes));
  }
  llvm::append_range(operands, function.getArguments().drop_front(before));
  Value one = sizes.e.constant(1).value;
  returned.resize(probes.size());
  for (scan::StepKind step : steps) {
    SmallVector<int64_t> wrt, of = {0};
    SmallVector<Type> types = {one.getType()};
    SmallVector<unsigned> which;
    for (auto [i, probe] : llvm::enumerate(probes)) {
      if (probe.backward != (step == scan::StepKind::first))
        continue;
      which.push_back(i);
      wrt.push_back(before + i);
      types.push_back(results[i].type);
    }
    auto request = grad::VjpOp::create(
        b, loc, types, (module.getSymName() + "." + objectiveName(step)).str(),
        operands, one, wrt, of);
    for (auto [i, value] : llvm::zip(which, request.getResults().drop_front()))
      returned[i] = value;
  }
  func::ReturnOp::create(b, loc, returned);
  finish("state_grad");
  return success();
}

} // namespace rnnc::batch
