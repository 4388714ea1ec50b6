// FormPhases.cpp: pointwise code and reductions on tensors become few phases.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "rnnc/Conversion/ScanToKernel/Passes.h"

#include "CompareLookups.h"
#include "ExpandReductions.h"
#include "TensorPhase.h"

#include "rnnc/Support/Work.h"

#include "mlir/Analysis/TopologicalSortUtils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/Statistic.h"

#define DEBUG_TYPE "kernel-form-phases"

using namespace mlir;

namespace rnnc {

#define GEN_PASS_DEF_KERNELFORMPHASES
#include "rnnc/Conversion/ScanToKernel/Passes.h.inc"

ALWAYS_ENABLED_STATISTIC(numPointwise, "Pointwise phases");
ALWAYS_ENABLED_STATISTIC(numReductions, "Reductions");

namespace {

bool isTensor(Value value) { return isa<RankedTensorType>(value.getType()); }

int64_t rankOf(Value value) {
  return cast<RankedTensorType>(value.getType()).getRank();
}

/// Forms the phases of one function.
class PhaseFormer {
public:
  explicit PhaseFormer(func::FuncOp function)
      : function(function), sizes(function, function), b(function.getContext()),
        context(b, sizes) {}

  void run();

private:
  void form(Block &block);
  void formLevel(ArrayRef<Operation *> ops, int level);
  void formGroup(const Group &group);
  linalg::GenericOp reduce(Location loc, int level,
                           ArrayRef<OpFoldResult> space, ArrayRef<int64_t> dims,
                           scan::ReduceKind kind,
                           llvm::function_ref<Value(TensorPhase &)> element);
  void formReduce(scan::ReduceOp op);
  void formDot(scan::DotOp op);
  void noteTensors(Block &block);
  void materializeOperands(Operation *op);
  Value materialize(Value value);
  void replace();

  func::FuncOp function;
  Sizes sizes;
  OpBuilder b;
  PhaseContext context;
  /// What replaces a value, in the order in which it was made.
  SmallVector<std::pair<Value, Value>> replaced;

  void put(Value old, Value made) {
    context.made[old] = made;
    replaced.push_back({old, made});
  }
};

/// The values that stay tensors of their own.
void PhaseFormer::noteTensors(Block &block) {
  BlockPlan &plan = *context.plan;
  auto note = [&](Value value) {
    if (!isTensor(value))
      return;
    Kind kind = kindOf(value);
    if (kind == Kind::Memory || kind == Kind::Barrier || plan.isRoot(value) ||
        (kind == Kind::Composite && plan.hasBuffer(value)))
      context.materialized.insert(value);
  };
  llvm::for_each(block.getArguments(), note);
  for (Operation &op : block)
    llvm::for_each(op.getResults(), note);
}

void PhaseFormer::form(Block &block) {
  BlockPlan plan(
      block, sizes,
      [this](Value value) { return context.materialized.contains(value); },
      BlockPlan::Purpose::Phases);
  BlockPlan *outer = std::exchange(context.plan, &plan);
  noteTensors(block);
  SmallVector<Operation *> ops;
  for (Operation &op : block)
    ops.push_back(&op);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(block.getTerminator());
  for (int level = 0; level < plan.numLevels(); ++level)
    formLevel(ops, level);
  for (Operation *op : ops)
    materializeOperands(op);
  context.plan = outer;
}

void PhaseFormer::formLevel(ArrayRef<Operation *> ops, int level) {
  BlockPlan &plan = *context.plan;
  for (Operation *op : ops) {
    if (op->getNumResults() == 0 || !isTensor(op->getResult(0)) ||
        kindOf(op->getResult(0)) != Kind::Barrier || plan.exec(op) != level)
      continue;
    workOn(op->getLoc());
    if (auto loop = dyn_cast<scan::LoopOp>(op))
      form(*loop.getBodyBlock());
    else if (auto reduce = dyn_cast<scan::ReduceOp>(op))
      formReduce(reduce);
    else if (auto dot = dyn_cast<scan::DotOp>(op);
             dot && !dot.isMatrixProduct())
      formDot(dot);
  }
  for (const Group &group : plan.getGroups())
    if (group.level == level)
      formGroup(group);
}

/// Roots of one space: one op, but for numbers that are the same everywhere.
void PhaseFormer::formGroup(const Group &group) {
  Location loc = group.roots.front().getLoc();
  workOn(loc);
  SmallVector<OpFoldResult> space = sizes.get(group.roots.front());
  TensorPhase phase(context, loc, group.level, space);
  SmallVector<Value> stored;
  for (Value root : group.roots) {
    if (std::optional<double> splat = scan::getSplat(root)) {
      put(root, filled(b, root.getLoc(), space,
                       getElementTypeOrSelf(root.getType()), *splat));
      continue;
    }
    phase.store(phase.eval(root, identityView(rankOf(root))));
    stored.push_back(root);
  }
  if (stored.empty())
    return;
  linalg::GenericOp op = phase.finish();
  ++numPointwise;
  for (auto [root, result] : llvm::zip_equal(stored, op.getResults()))
    put(root, result);
}

Value combined(OpBuilder &b, Location loc, scan::ReduceKind kind, Value sum,
               Value value) {
  switch (kind) {
  case scan::ReduceKind::prod:
    return arith::MulFOp::create(b, loc, sum, value);
  case scan::ReduceKind::max:
    return arith::MaximumFOp::create(b, loc, sum, value);
  case scan::ReduceKind::min:
    return arith::MinimumFOp::create(b, loc, sum, value);
  default:
    return arith::AddFOp::create(b, loc, sum, value);
  }
}

double neutralOf(scan::ReduceKind kind) {
  double infinity = std::numeric_limits<double>::infinity();
  switch (kind) {
  case scan::ReduceKind::prod:
    return 1;
  case scan::ReduceKind::max:
    return -infinity;
  case scan::ReduceKind::min:
    return infinity;
  default:
    return 0;
  }
}

/// What `element` computes at every point of a space, combined along some of
/// its dimensions. A reduction learns sizes from what it reads: where that has
/// not all of them, the elements become a tensor first.
linalg::GenericOp
PhaseFormer::reduce(Location loc, int level, ArrayRef<OpFoldResult> space,
                    ArrayRef<int64_t> dims, scan::ReduceKind kind,
                    llvm::function_ref<Value(TensorPhase &)> element) {
  ++numReductions;
  auto phase = std::make_unique<TensorPhase>(context, loc, level, space);
  Value scalar = element(*phase);
  if (dims.empty() || !phase->readsAllDims()) {
    phase->store(scalar);
    linalg::GenericOp written = phase->finish();
    if (dims.empty())
      return written;
    phase = std::make_unique<TensorPhase>(context, loc, level, space);
    scalar = phase->leaf(written.getResult(0), identityView(space.size()));
  }
  phase->reduce(scalar, dims, neutralOf(kind),
                [&](OpBuilder &body, Value sum, Value value) {
                  return combined(body, loc, kind, sum, value);
                });
  return phase->finish();
}

void PhaseFormer::formReduce(scan::ReduceOp op) {
  SmallVector<OpFoldResult> space = sizes.get(op.getInput());
  linalg::GenericOp generic =
      reduce(op.getLoc(), context.plan->exec(op), space, op.getDims(),
             op.getKind(), [&](TensorPhase &phase) {
               return phase.eval(op.getInput(), identityView(space.size()));
             });
  // A sum of everything feeds a loss or a norm.
  if (rankOf(op.getResult()) == 0 && op.getKind() == scan::ReduceKind::sum &&
      generic.getNumReductionLoops() > 0)
    generic->setAttr("rnnc.accumulate_f64", b.getUnitAttr());
  put(op.getResult(), generic.getResult(0));
}

/// A product with batch dimensions, or with a vector: a reduction.
void PhaseFormer::formDot(scan::DotOp op) {
  Location loc = op.getLoc();
  View lhs(rankOf(op.getLhs())), rhs(rankOf(op.getRhs()));
  SmallVector<OpFoldResult> space = sizes.get(op.getResult());
  int next = 0;
  for (auto [l, r] : llvm::zip(op.getLhsBatch(), op.getRhsBatch()))
    lhs[l].iter = rhs[r].iter = next++;
  for (int64_t dim : op.getLhsFree())
    lhs[dim].iter = next++;
  for (int64_t dim : op.getRhsFree())
    rhs[dim].iter = next++;
  SmallVector<int64_t> reduced;
  for (auto [l, r] : llvm::zip(op.getLhsContract(), op.getRhsContract())) {
    reduced.push_back(next);
    lhs[l].iter = rhs[r].iter = next++;
    space.push_back(sizes.get(op.getLhs(), l));
  }
  linalg::GenericOp generic =
      reduce(loc, context.plan->exec(op), space, reduced, scan::ReduceKind::sum,
             [&](TensorPhase &phase) -> Value {
               Value x = phase.eval(op.getLhs(), lhs);
               Value y = phase.eval(op.getRhs(), rhs);
               return arith::MulFOp::create(phase.body(), loc, x, y);
             });
  put(op.getResult(), generic.getResult(0));
}

/// A value from outside that is computed where it is read, as a tensor here.
Value PhaseFormer::materialize(Value value) {
  TensorPhase phase(context, value.getLoc(), context.plan->numLevels(),
                    sizes.get(value));
  phase.store(phase.eval(value, identityView(rankOf(value))));
  return phase.finish().getResult(0);
}

/// What an op reads as it lies has to be a tensor of its own, or the same
/// number everywhere.
void PhaseFormer::materializeOperands(Operation *op) {
  bool lazy = op->getNumResults() == 1 && isTensor(op->getResult(0)) &&
              isLazy(op->getResult(0));
  if (lazy || isa<scan::ReduceOp, tensor::DimOp>(op) ||
      isa<linalg::GenericOp>(op) ||
      context.made.contains(op->getNumResults() ? op->getResult(0) : Value()))
    return;
  auto loop = dyn_cast<scan::LoopOp>(op);
  for (OpOperand &operand : op->getOpOperands()) {
    Value value = operand.get();
    if (!isTensor(value) ||
        (loop && llvm::is_contained(loop.getSlices(), value)))
      continue;
    if (isa<scan::DotOp>(op))
      while (auto transpose = value.getDefiningOp<scan::TransposeOp>())
        value = transpose.getInput();
    if (!isLazy(value) || context.plan->hasBuffer(value) ||
        scan::getSplat(value))
      continue;
    operand.set(materialize(operand.get()));
  }
}

/// Whether an op that reads its operands as they lie reads the value or a view
/// of it. What puts values together fills in one that is a number, and copies
/// any other.
bool isReadAsItLies(Value value) {
  bool isCopied = !scan::getSplat(value);
  return llvm::any_of(value.getUsers(), [=](Operation *user) {
    if (user->getNumResults() != 1 || !isTensor(user->getResult(0)) ||
        isa<scan::LoopOp, scan::ReduceOp>(user))
      return false;
    Kind kind = kindOf(user->getResult(0));
    return kind == Kind::Barrier || (kind == Kind::Composite && isCopied) ||
           (kind == Kind::View && isReadAsItLies(user->getResult(0)));
  });
}

/// Views and composites of a number that is the same everywhere keep knowing
/// that, but for views that have to lie in memory: they are parts of the tensor
/// that has been made. A broadcast never is: it is made itself where it has to
/// lie.
bool keepsNumber(Value value, Operation *user) {
  if (!scan::getSplat(value) || user->getNumResults() != 1 ||
      !isTensor(user->getResult(0)))
    return false;
  Kind kind = kindOf(user->getResult(0));
  return kind == Kind::Composite || isa<scan::BroadcastOp>(user) ||
         (kind == Kind::View && !isReadAsItLies(user->getResult(0)));
}

void PhaseFormer::replace() {
  for (auto [old, made] : replaced) {
    Operation *maker = made.getDefiningOp();
    Value value = old;
    value.replaceUsesWithIf(made, [&](OpOperand &use) {
      return use.getOwner() != maker && !keepsNumber(old, use.getOwner());
    });
  }
  IRRewriter rewriter(function.getContext());
  (void)runRegionDCE(rewriter, function->getRegions());
  function.walk([](Block *block) {
    if (block->getParentOp()->hasTrait<OpTrait::IsIsolatedFromAbove>() ||
        isa<scan::LoopOp>(block->getParentOp()))
      sortTopologically(block);
  });
}

void PhaseFormer::run() {
  form(function.getBody().front());
  replace();
}

struct KernelFormPhases : public impl::KernelFormPhasesBase<KernelFormPhases> {
  using Base::Base;

  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isExternal())
      return;
    compareLookups(function);
    expandReductions(function);
    IRRewriter rewriter(&getContext());
    (void)runRegionDCE(rewriter, function->getRegions());
    PhaseFormer(function).run();
  }
};

} // namespace

} // namespace rnnc
