// Run.cpp - the functions of a module.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Batch.h"

#include "rnnc/Dialect/RNN/Needed.h"
#include "rnnc/Dialect/RNN/Transforms/OfSequence.h"

#include "llvm/ADT/SmallPtrSet.h"

#include <cmath>

using namespace mlir;
using namespace rnnc;
using namespace rnnc::interp;

static bool isKnown(StringRef kind, StringRef function) {
  static const char *const ofModels[] = {
      "loss", "grad",    "train_step", "hvp",  "state_grad",    "attention",
      "step", "predict", "begin",      "beam", "predict_chunk", "sample"};
  if (kind == "model")
    return llvm::is_contained(ofModels, function);
  return function == "forward" || function == "vjp" ||
         (kind == "cell" && function == "step");
}

/// Whether an op reads steps that a run step by step does not have.
static bool needsOtherSteps(Operation *op) {
  auto endsInTime = [](Value value) {
    auto type = cast<rnn::ValueType>(value.getType());
    return type.getRank() > 0 && type.getAxes().back().isTime();
  };
  if (auto scan = dyn_cast<rnn::ScanOp>(op)) {
    for (Operation *around = op; around; around = around->getParentOp())
      if (auto bind = dyn_cast<rnn::BindOp>(around);
          bind && bind.getAxis().isTime() && scan.getAxis().isTime())
        return true;
    return scan.getReverse() && scan.getAxis().isTime();
  }
  if (auto bind = dyn_cast<rnn::BindOp>(op)) {
    if (!bind.getAxis().isTime())
      return false;
    for (auto around = bind->getParentOfType<rnn::BindOp>(); around;
         around = around->getParentOfType<rnn::BindOp>())
      if (around.getAxis() == bind.getAxis())
        return true;
    return bind.getKind() != rnn::BindKind::For;
  }
  if (auto onehot = dyn_cast<rnn::OneHotOp>(op))
    return onehot.getIndex().getType().getIndexAxis().isTime();
  if (auto dist = dyn_cast<rnn::DistOp>(op))
    return dist.getKind() == rnn::DistKind::Categorical &&
           endsInTime(dist.getArgs().front());
  if (auto sequence = dyn_cast<rnn::SequenceOp>(op)) {
    auto type = sequence.getValue().getType();
    return type.getRank() > 0 && type.getAxes().front().isTime() &&
           sequence.getKind() != rnn::SequenceKind::Last;
  }
  if (auto match = dyn_cast<rnn::MatchOp>(op))
    return endsInTime(match.getLhs());
  return isa<rnn::ReduceLastOp, rnn::ArgMaxOp>(op) &&
         endsInTime(op->getOperand(0));
}

/// Why a model cannot run step by step; empty if it can.
static std::string againstStep(rnn::ModuleOp module) {
  std::string reason;
  auto needed = rnn::neededFor(module, rnn::rootsOfStep(module));
  Block &body = module.getBody().front();
  module.walk([&](Operation *op) {
    if (!reason.empty() || !needsOtherSteps(op) ||
        !needed.contains(body.findAncestorOpInBlock(*op)))
      return;
    reason = "`" + module.getSymName().str() +
             "` cannot run one step at a time: it reads other steps";
    if (auto place = op->getLoc()->findInstanceOf<FileLineColLoc>())
      reason += " (" + place.getFilename().str() + ":" +
                std::to_string(place.getLine()) + ":" +
                std::to_string(place.getColumn()) + ")";
  });
  return reason;
}

/// Whether what an op computes differs from sequence to sequence.
static bool followsFromInputs(Operation *op) {
  llvm::SmallPtrSet<Operation *, 16> seen;
  llvm::SmallVector<Operation *> open = {op};
  while (!open.empty()) {
    Operation *next = open.pop_back_val();
    if (rnn::isOfSequence(next))
      return true;
    next->walk([&](Operation *inner) {
      for (Value operand : inner->getOperands())
        if (Operation *maker = operand.getDefiningOp();
            maker && seen.insert(maker).second)
          open.push_back(maker);
    });
  }
  return false;
}

/// Whether all lengths that an output needs are those of inputs.
static bool isLengthKnown(rnn::ModuleOp module, rnn::ObserveOp observe) {
  llvm::SmallDenseSet<llvm::StringRef> known;
  auto eachTime = [](Type type, llvm::function_ref<void(llvm::StringRef)> use) {
    if (auto value = dyn_cast<rnn::ValueType>(type))
      for (rnn::AxisAttr axis : value.getAxes())
        if (axis.isTime())
          use(axis.getName());
  };
  for (rnn::InputOp input : module.getBody().getOps<rnn::InputOp>())
    eachTime(input.getType(),
             [&](llvm::StringRef name) { known.insert(name); });
  bool isKnown = true;
  auto check = [&](llvm::StringRef name) { isKnown &= known.contains(name); };
  auto law = observe.getDist().getDefiningOp<rnn::LawOp>();
  bool hasMode = law && law.hasMode();
  eachTime(hasMode ? law.getModeType() : observe.getData().getType(), check);
  llvm::SmallPtrSet<Operation *, 16> seen;
  llvm::SmallVector<Operation *> open = {observe.getDist().getDefiningOp()};
  while (!open.empty()) {
    Operation *next = open.pop_back_val();
    if (!next || !seen.insert(next).second)
      continue;
    for (Type type : next->getResultTypes())
      eachTime(type, check);
    next->walk<WalkOrder::PreOrder>([&](Operation *inner) {
      if (auto bind = dyn_cast<rnn::BindOp>(inner);
          bind && bind.getAxis().isTime())
        check(bind.getAxis().getName());
      for (Value operand : inner->getOperands())
        open.push_back(operand.getDefiningOp());
      // How probable something is does not matter where it is given.
      return isa<rnn::LawOp>(inner) ? WalkResult::skip()
                                    : WalkResult::advance();
    });
  }
  return isKnown;
}

bool rnnc::interp::drawsWhole(rnn::ModuleOp module,
                              const std::string &function) {
  rnn::UnfoldOp unfold;
  module.walk([&](rnn::UnfoldOp op) { unfold = op; });
  if (function == "beam")
    return unfold != nullptr;
  if (!unfold || (function != "sample" && function != "predict"))
    return false;
  // `predict` gives outputs that are no sequences to draw, where there are any.
  bool hasOthers = false, areKnown = true;
  module.walk([&](rnn::ObserveOp observe) {
    if (observe.getDist().getDefiningOp<rnn::UnfoldOp>())
      return;
    hasOthers = true;
    areKnown &= isLengthKnown(module, observe);
  });
  if (hasOthers && areKnown && function == "predict")
    return false;
  auto law = unfold.getYield().getOut()[0].getDefiningOp<rnn::LawOp>();
  return !unfold.getAxis().isTime() || followsFromInputs(unfold) ||
         (law && !law.getSample().empty());
}

/// One step is a sequence of length 1.
static void makeSequences(rnn::ModuleOp module, Arrays &inputs) {
  for (Operation &op : module.getBody().front()) {
    auto input = dyn_cast<rnn::InputOp>(op);
    auto it = input ? inputs.find(input.getName().str()) : inputs.end();
    if (it == inputs.end())
      continue;
    Shape &shape = it->second.shape;
    for (auto [place, axis] :
         llvm::enumerate(input.getResult().getType().getAxes()))
      if (axis.isTime() && place + 1 <= shape.size())
        shape.insert(shape.begin() + place + 1, 1);
  }
}

/// Time axes that no argument shows have one step too.
static void haveOneStep(rnn::ModuleOp module, RunOptions &options) {
  module.walk([&](Operation *op) {
    for (Value result : op->getResults())
      if (auto type = dyn_cast<rnn::ValueType>(result.getType()))
        for (rnn::AxisAttr axis : type.getAxes())
          if (axis.isTime())
            options.lengths.try_emplace(axis.getName().str(), 1);
  });
}

/// A state may come by its path alone, or as `state.PATH`.
static void renameStates(rnn::ModuleOp module, const RunOptions &options,
                         Arrays &inputs) {
  auto rename = [&](const std::string &from, const std::string &to) {
    auto it = inputs.find(from);
    if (it == inputs.end() || inputs.count(to))
      return;
    inputs[to] = std::move(it->second);
    inputs.erase(it);
  };
  bool isModel = module.getKind() == "model";
  if (isModel && (options.function == "step" || options.function == "sample" ||
                  options.function == "predict_chunk"))
    for (auto &[name, type] : timeStates(module))
      rename(name, "state." + name);
  for (Operation &op : module.getBody().front())
    if (auto state = dyn_cast<rnn::FirstStateOp>(op))
      rename("state." + state.getName().str(), state.getName().str());
}

/// Central differences of the batch's objective by one of its arguments.
static std::optional<Array> differences(Batch &batch, const std::string &name,
                                        double relative) {
  Array &variable = batch.input(name);
  Array gradient(variable.shape);
  for (int64_t i = 0; i < gradient.size(); ++i) {
    double before = variable.data[i];
    double h = relative * std::max(1.0, std::fabs(before));
    double ends[2];
    for (int side : {0, 1}) {
      variable.data[i] = before + (side ? h : -h);
      std::optional<double> value = batch.objective();
      if (!value)
        return std::nullopt;
      ends[side] = *value;
    }
    variable.data[i] = before;
    gradient.data[i] = (ends[1] - ends[0]) / (2 * h);
  }
  return gradient;
}

/// What the gradient of a step's loss is with respect to each state.
static std::optional<Arrays> stateGradients(rnn::ModuleOp module, Arrays given,
                                            RunOptions options,
                                            std::string &error) {
  Arrays outputs;
  std::vector<StateProbe> probes = findProbes(module);
  if (probes.empty())
    error = "no recurrence keeps a state of numbers";
  Batch sizes(module, given, options, error);
  if (!error.empty() || !sizes.prepare())
    return std::nullopt;
  for (const StateProbe &probe : probes)
    given["state." + probe.name] = Array(sizes.shapeOf(probe.type));
  options.function = "loss";
  std::vector<Array> stopped;
  for (LossOf step : {LossOf::LastStep, LossOf::FirstStep}) {
    stopped.clear();
    options.stopped = &stopped;
    options.lossOf = step;
    Batch batch(module, given, options, error);
    if (!batch.prepare() || !batch.evaluate())
      return std::nullopt;
    for (const StateProbe &probe : probes) {
      if (probe.backward != (step == LossOf::FirstStep))
        continue;
      std::optional<Array> gradient =
          differences(batch, "state." + probe.name, 1e-5);
      if (!gradient)
        return std::nullopt;
      outputs["grad.state." + probe.name] = std::move(*gradient);
    }
  }
  return outputs;
}

/// The Hessian of the loss times `vec.NAME`, beside the gradients in `outputs`:
/// how the gradient changes along the vectors.
static bool addHessian(Batch &batch, const Arrays &given, Arrays &outputs) {
  constexpr double step = 3e-4;
  auto move = [&](double by) {
    for (const std::string &name : batch.variables())
      if (auto it = given.find("vec." + name); it != given.end())
        for (int64_t i = 0; i < it->second.size(); ++i)
          batch.input(name).data[i] += by * it->second.data[i];
  };
  for (double side : {1, -1}) {
    move(side * step);
    for (const std::string &name : batch.variables()) {
      std::optional<Array> gradient = differences(batch, name, step);
      if (!gradient)
        return false;
      Array &out =
          outputs.try_emplace("hvp." + name, gradient->shape).first->second;
      for (int64_t i = 0; i < out.size(); ++i)
        out.data[i] += side * gradient->data[i] / (2 * step);
    }
    move(-side * step);
  }
  return true;
}

/// `sample` of outputs that nothing is fed back from.
static std::optional<Arrays> drawEach(rnn::ModuleOp module, Arrays given,
                                      const RunOptions &options,
                                      std::string &error) {
  DrawChoice choice = readChoice(module, "sample", given);
  Batch batch(module, given, options, error);
  batch.drawBy(choice);
  if (!batch.prepare())
    return std::nullopt;
  std::optional<Arrays> outputs = batch.evaluate();
  if (outputs)
    outputs->erase("loss");
  return outputs;
}

/// Only what the compiled function gives, and the states of a chunk.
static void dropOthers(const RunOptions &options, Arrays &outputs) {
  const std::string &function = options.function;
  bool hasLoss = function == "loss" || function == "grad" ||
                 function == "train_step" || function == "hvp";
  for (auto it = outputs.begin(); it != outputs.end();) {
    bool isLoss = it->first == "loss";
    bool isState = options.carries && it->first.rfind("state.", 0) == 0;
    it = isLoss != hasLoss && !isState ? outputs.erase(it) : std::next(it);
  }
}

std::optional<Arrays> rnnc::interp::run(rnn::ModuleOp module,
                                        const Arrays &inputs,
                                        const RunOptions &options,
                                        std::string &error) {
  const std::string &function = options.function;
  if (!isKnown(module.getKind(), function)) {
    error = "the interpreter has no `" + function + "` of a " +
            module.getKind().str();
    return std::nullopt;
  }
  Arrays given = inputs;
  renameStates(module, options, given);
  bool unfolds = !module.getBody().getOps<rnn::UnfoldOp>().empty();
  if (function == "sample" && !unfolds)
    return drawEach(module, given, options, error);
  bool isWhole = drawsWhole(module, function);
  bool isStepwise =
      function == "sample" || function == "step" || function == "predict_chunk";
  if (isStepwise && !isWhole)
    error = againstStep(module);
  if (!error.empty())
    return std::nullopt;
  if (isWhole) {
    std::optional<Arrays> outputs = drawWhole(module, given, options, error);
    if (outputs)
      dropOthers(options, *outputs);
    return outputs;
  }
  bool finds = function == "beam" && // by the lines of a distribution
               !module.getBody().getOps<rnn::ResultOp>().empty();
  if ((function == "beam" || function == "begin") && !unfolds && !finds) {
    error = "`" + module.getSymName().str() + "` has no `unfold` to " +
            (function == "beam" ? "search" : "begin");
    return std::nullopt;
  }
  if (function == "sample")
    return sample(module, given, options, error);
  if (function == "state_grad")
    return stateGradients(module, given, options, error);
  RunOptions own = options;
  if (function == "step") {
    makeSequences(module, given);
    haveOneStep(module, own);
  }
  bool differentiates = function == "grad" || function == "vjp" ||
                        function == "train_step" || function == "hvp";
  std::vector<Array> stopped;
  if (differentiates && !own.stopped)
    own.stopped = &stopped;
  Batch batch(module, given, own, error);
  if (!batch.prepare())
    return std::nullopt;
  std::optional<Arrays> outputs = batch.evaluate();
  if (!outputs)
    return std::nullopt;
  bool isEmpty = batch.isEmpty();
  dropOthers(options, *outputs);
  if (!differentiates)
    return outputs;
  for (const std::string &name : batch.variables()) {
    std::optional<Array> gradient = differences(batch, name, 1e-5);
    if (!gradient)
      return std::nullopt;
    (*outputs)["grad." + name] = std::move(*gradient);
  }
  if (function == "hvp" && !addHessian(batch, given, *outputs))
    return std::nullopt;
  if (function == "train_step" &&
      !update(module, given, isEmpty, *outputs, error))
    return std::nullopt;
  return outputs;
}
