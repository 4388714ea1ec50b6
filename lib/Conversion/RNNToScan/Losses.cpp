// Losses.cpp: losses and gradients of a module.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Functions.h"

#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/RegionUtils.h"
#include "rnnc/Dialect/Grad/Grad.h"

using namespace mlir;

namespace rnnc::batch {

//===-- Losses
//-------------------------------------------------------------===//

Batched FunctionMaker::sumOfBatch(Lowering &lowering, const Batched &value) {
  Emitter &e = lowering.e;
  Batched whole = e.with(value, {batchDim()});
  for (Dim dim : whole.dims)
    whole = e.maskDim(whole, dim);
  auto all = llvm::to_vector(llvm::seq<int64_t>(0, whole.dims.size()));
  Value sum =
      scan::ReduceOp::create(b, e.loc, scan::ReduceKind::sum, whole.value, all);
  return {sum, {}, {}, {}};
}

Batched FunctionMaker::batchCount(Lowering &lowering) {
  return sumOfBatch(lowering, lowering.e.constant(1));
}

/// How many scalars of an output the batch shows.
Batched FunctionMaker::observedCount(Lowering &lowering,
                                     rnn::ObserveOp observe) {
  Emitter &e = lowering.e;
  double fixed = 1;
  Batched rows = e.with(e.constant(1), {batchDim()});
  Axes axes = Lowering::axesOf(observe.getData().getType());
  for (auto [i, axis] : llvm::enumerate(axes)) {
    // Lengths inside of it are added up over it.
    StringRef name = axis.name;
    if (axis.time && llvm::any_of(axes, [&](const AxisInfo &inner) {
          return llvm::any_of(
              info.nesting.around(inner.name),
              [&](rnn::AxisAttr around) { return around.getName() == name; });
        }))
      continue;
    if (axis.time)
      rows = e.mul(rows, e.count(axisDim(i), axes));
    else if (i == 0 || !info.isUnfold(observe))
      fixed *= axis.size; // A step of an unfold counts as one.
  }
  Batched total = sumOfBatch(lowering, rows);
  return fixed == 1 ? total : e.mul(total, e.constant(fixed));
}

static Batched atLeastOne(Emitter &e, const Batched &n) {
  Batched one = e.constant(1);
  return e.select(e.compare(arith::CmpFPredicate::OGT, n, one), n, one);
}

FailureOr<Batched> FunctionMaker::observedTerm(Lowering &lowering,
                                               rnn::ObserveOp observe) {
  Emitter &e = lowering.e;
  auto dist = lowering.distribution(observe);
  if (failed(dist))
    return failure();
  auto data = lowering.get(observe.getData());
  if (failed(data))
    return failure();
  e.loc = observe.getLoc();
  auto nll = lowering.nll(*dist, *data);
  if (failed(nll))
    return failure();
  Batched all = e.full(*nll, true);
  if (lowering.options.lossAt) {
    // The innermost axis first: its ends are those of the elements around.
    unsigned steps = 0;
    while (steps < all.axes.size() &&
           (all.axes[steps].time || (steps == 0 && info.isUnfold(observe))))
      ++steps;
    for (; steps > 0; --steps)
      all = lowering.pickStep(*lowering.options.lossAt, all, steps - 1);
    return e.div(sumOfBatch(lowering, all),
                 atLeastOne(e, batchCount(lowering)));
  }
  Batched count =
      info.perExample ? batchCount(lowering) : observedCount(lowering, observe);
  return e.div(sumOfBatch(lowering, all), atLeastOne(e, count));
}

/// A loss that reads no data is that of each example: of none it is 0.
Batched FunctionMaker::ofSomeExample(Lowering &lowering, const Batched &value) {
  Emitter &e = lowering.e;
  Batched some =
      e.compare(arith::CmpFPredicate::OGT, batchCount(lowering), e.constant(0));
  return e.select(some, value, e.constant(0));
}

LogicalResult FunctionMaker::bodyOfLoss(Lowering &lowering) {
  Emitter &e = lowering.e;
  SmallVector<Value> roots;
  for (rnn::ObserveOp observe : info.observes)
    llvm::append_range(roots, observe->getOperands());
  for (rnn::LossOp loss : info.losses)
    roots.push_back(loss.getValue());
  if (failed(lowerFor(lowering, roots)))
    return failure();
  std::optional<Batched> total, byExample;
  auto add = [&](std::optional<Batched> &sum, const Batched &term) {
    sum = sum ? e.add(*sum, term) : term;
  };
  SmallVector<std::pair<std::string, Batched>> terms;
  for (rnn::ObserveOp observe : info.observes) {
    auto term = observedTerm(lowering, observe);
    if (failed(term))
      return failure();
    add(total, *term);
    terms.emplace_back(("loss." + observe.getName()).str(), *term);
  }
  for (rnn::LossOp loss : info.losses) {
    e.loc = loss.getLoc();
    auto value = lowering.get(loss.getValue());
    if (failed(value))
      return failure();
    add(byExample, value->has(batchDim())
                       ? e.div(sumOfBatch(lowering, *value),
                               atLeastOne(e, batchCount(lowering)))
                       : ofSomeExample(lowering, *value));
  }
  if (byExample) {
    add(total, *byExample);
    terms.emplace_back("loss.loss", *byExample);
  }
  give(lowering, "loss", Role::Loss, total ? *total : e.constant(0));
  if (lowering.options.lossTerms && terms.size() > 1)
    for (const auto &[name, term] : terms)
      give(lowering, name, Role::Loss, term);
  if (lowering.options.carried)
    giveStates(lowering, true);
  return success();
}

LogicalResult FunctionMaker::makeObjective() {
  LoweringOptions options;
  options.training = info.random;
  options.differentiated = true;
  options.carried = info.bpttCarry;
  if (!info.bpttCarry)
    options.segment = info.bpttSteps;
  options.checkpoint = info.checkpoint;
  SmallVector<Slot> slots;
  if (info.isModel()) {
    slots = lossSlots(info.bpttCarry);
  } else {
    slots = commonSlots(false);
    llvm::append_range(slots, firstStateSlots());
  }
  if (info.random)
    slots.push_back(seedSlot());
  auto body = [&](Lowering &lowering) {
    return info.isModel() ? bodyOfLoss(lowering) : bodyOfForward(lowering);
  };
  if (failed(make("objective", slots, options, body, /*isPrivate=*/true)))
    return failure();
  objectiveArgs = args;
  objectiveResults = results;
  return success();
}

LogicalResult FunctionMaker::makeLoss(bool terms) {
  LoweringOptions options;
  options.lossTerms = terms;
  options.carried = info.bpttCarry;
  return make("loss", lossSlots(info.bpttCarry), options,
              [&](Lowering &lowering) { return bodyOfLoss(lowering); });
}

//===-- Gradients
//----------------------------------------------------------===//

LogicalResult FunctionMaker::makeGradient(StringRef name, bool isPrivate) {
  OpBuilder::InsertionGuard guard(b);
  rnn::ModuleOp module = info.module;
  Location loc = module.getLoc();
  args = objectiveArgs;
  results = objectiveResults;
  SmallVector<int64_t> wrt, of;
  llvm::StringMap<bool> frozen;
  for (rnn::ParamOp param : info.params)
    frozen[param.getName()] = param.getFrozen();
  // Inputs and first states before parameters.
  auto addGradients = [&](Role role) {
    for (auto [i, slot] : llvm::enumerate(objectiveArgs)) {
      auto type = cast<RankedTensorType>(slot.type);
      if (slot.role != role || !isa<FloatType>(type.getElementType()) ||
          (role == Role::Param && frozen.lookup(slot.name)))
        continue;
      wrt.push_back(i);
      results.push_back(
          {"grad." + slot.name, Role::Grad, slot.type, slot.shape, false});
    }
  };
  if (!info.isModel()) {
    addGradients(Role::Input);
    addGradients(Role::StateIn);
  }
  addGradients(Role::Param);
  for (auto [i, slot] : llvm::enumerate(objectiveResults)) {
    if (info.isModel() ? slot.role != Role::Loss : false)
      continue;
    if (!isa<FloatType>(cast<RankedTensorType>(slot.type).getElementType()))
      continue;
    of.push_back(i);
    if (!info.isModel())
      args.push_back(
          {"cot." + slot.name, Role::Cot, slot.type, slot.shape, true});
  }
  declare(name, isPrivate);
  SmallVector<Value> cotangents;
  if (info.isModel())
    cotangents.push_back(arith::ConstantOp::create(
        b, loc,
        DenseElementsAttr::get(RankedTensorType::get({}, real),
                               b.getFloatAttr(real, 1).getValue())));
  else
    llvm::append_range(
        cotangents, function.getArguments().drop_front(objectiveArgs.size()));
  auto request = grad::VjpOp::create(
      b, loc, function.getResultTypes(),
      (module.getSymName() + ".objective").str(),
      function.getArguments().take_front(objectiveArgs.size()), cotangents, wrt,
      of);
  func::ReturnOp::create(b, loc, request.getResults());
  finish(name);
  gradientArgs = args;
  gradientResults = results;
  return success();
}

LogicalResult FunctionMaker::makeHvp() {
  OpBuilder::InsertionGuard guard(b);
  rnn::ModuleOp module = info.module;
  Location loc = module.getLoc();
  args = gradientArgs;
  results = gradientResults;
  SmallVector<int64_t> wrt, of;
  auto numberOf = [&](StringRef name, Role role) {
    return llvm::find_if(gradientArgs,
                         [&](const Slot &slot) {
                           return slot.role == role && slot.name == name;
                         }) -
           gradientArgs.begin();
  };
  for (auto [i, slot] : llvm::enumerate(gradientResults)) {
    StringRef name = slot.name;
    if (slot.role != Role::Grad || !name.consume_front("grad."))
      continue;
    of.push_back(i);
    wrt.push_back(numberOf(name, Role::Param));
    args.push_back(
        {("vec." + name).str(), Role::Cot, slot.type, slot.shape, true});
    results.push_back(
        {("hvp." + name).str(), Role::Grad, slot.type, slot.shape});
  }
  declare("hvp", /*isPrivate=*/false);
  auto request = grad::JvpOp::create(
      b, loc, function.getResultTypes(), (module.getSymName() + ".grad").str(),
      function.getArguments().take_front(gradientArgs.size()),
      function.getArguments().drop_front(gradientArgs.size()), wrt, of);
  func::ReturnOp::create(b, loc, request.getResults());
  finish("hvp");
  return success();
}

} // namespace rnnc::batch
