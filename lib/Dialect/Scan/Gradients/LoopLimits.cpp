// LoopLimits.cpp: where cotangents in a time loop may be other than zero.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "LoopReverser.h"
#include "Rules.h"

using namespace mlir;
using namespace rnnc;
using namespace rnnc::scan;

// Whether all uses of a value of the body end in choices of the program, so
// that the step before gets a cotangent only where the state was taken.
bool LoopReverser::isLimited(Value value, llvm::DenseMap<Value, bool> &known) {
  if (auto found = known.find(value); found != known.end())
    return found->second;
  bool limited = llvm::all_of(
      value.getUses(), [&](OpOperand &use) { return isLimited(use, known); });
  known[value] = limited;
  return limited;
}

bool LoopReverser::isLimited(OpOperand &use,
                             llvm::DenseMap<Value, bool> &known) {
  Operation *op = use.getOwner();
  if (op == loop.getYield()) {
    unsigned number = use.getOperandNumber(), carries = loop.getNumCarries();
    if (number < carries)
      return !usefulCarry[number] || limitedCarry[number];
    Value stack = loop.getStackResults()[number - carries];
    grad::SupportRef support = parent.supportOf(stack);
    return (support && support->isChosen()) || !parent.cotangent(stack);
  }
  if (op->getBlock() != loop.getBodyBlock() || op->getNumResults() != 1)
    return false;
  if (!state.isActive(op->getResult(0)))
    return true;
  if (auto select = dyn_cast<arith::SelectOp>(op))
    if (isa<RankedTensorType>(select.getCondition().getType()) &&
        isProgramsChoice(select))
      return true;
  return op->hasTrait<OpTrait::Elementwise>() &&
         isLimited(op->getResult(0), known);
}

void LoopReverser::findLimitedCarries() {
  limitedCarry.assign(loop.getNumCarries(), false);
  bool again = true;
  while (again) {
    again = false;
    llvm::DenseMap<Value, bool> known;
    for (auto [number, carry] : llvm::enumerate(loop.getCarryArgs()))
      if (usefulCarry[number] && !limitedCarry[number] &&
          parent.getRanges().of(carry) >= grad::Growth::Data &&
          isLimited(carry, known))
        limitedCarry[number] = again = true;
  }
}

// If a condition of the program says that no result of some examples counts,
// nothing in the loop does.
void LoopReverser::findExamples() {
  SmallVector<std::pair<Value, grad::SupportRef>> supports;
  for (auto [number, result] : llvm::enumerate(loop.getResults())) {
    if (!parent.cotangent(result))
      continue;
    grad::SupportRef support = parent.supportOf(result);
    // What is the same for all examples does not say which ones count.
    Value step = number < loop.getNumStacks()
                     ? loop.getYield().getStacks()[number]
                     : result;
    if (!support || !support->isChosen() || parent.batchDimOf(step) < 0)
      return;
    RowKind rows = rowKindOf(result, parent.batchDimOf(result));
    if (!mayBeSameRows(exampleRows, rows))
      return;
    if (exampleRows == RowKind::Unknown)
      exampleRows = rows;
    supports.emplace_back(result, support);
  }
  if (supports.empty())
    return;
  // Made at once: the results are about to be replaced.
  Value any;
  for (auto &[result, support] : supports) {
    SmallVector<int64_t> others;
    auto type = cast<RankedTensorType>(result.getType());
    for (int64_t dim = 0; dim < type.getRank(); ++dim)
      if (dim != parent.batchDimOf(result))
        others.push_back(dim);
    Value here = parent.anyOver(support->get(), result, others);
    any = any ? arith::OrIOp::create(parent.getBuilder(), loop.getLoc(), any,
                                     here)
              : here;
  }
  // Uses follow the loop's replacement, this would not.
  if (any.getDefiningOp() == loop)
    any = arith::AndIOp::create(parent.getBuilder(), loop.getLoc(), any, any);
  examples = std::make_shared<grad::Support>(true, [any] { return any; });
}

// Whether the examples are the rows of a value: those of sequences inside of
// the step are others.
bool LoopReverser::hasExamples(Value value) {
  int64_t dim = parent.batchDimOf(value);
  return examples && dim >= 0 &&
         mayBeSameRows(exampleRows, rowKindOf(value, dim));
}

// For a value of the body.
grad::SupportRef LoopReverser::examplesInside(Value value) {
  return hasExamples(value) ? state.ofExamples(examples, value)
                            : grad::SupportRef();
}

// For a value outside of the loop.
grad::SupportRef LoopReverser::examplesOf(Value value) {
  int64_t dim = parent.batchDimOf(value);
  if (!hasExamples(value))
    return {};
  return std::make_shared<grad::Support>(
      true, [value, dim, examples = examples, outside = &parent] {
        return outside->widen(examples->get(), value, dim);
      });
}

// For one that all steps read: examples without steps do not.
grad::SupportRef LoopReverser::withSteps(Value value) {
  int64_t dim = parent.batchDimOf(value);
  Value lengths = loop.getLengths();
  if (!lengths || dim < 0 ||
      !mayBeSameRows(rowKindOf(value, dim), rowKindOf(lengths, 0)))
    return {};
  return std::make_shared<grad::Support>(
      false, [value, dim, lengths = parent.value(lengths), outside = &parent] {
        return outside->widen(outside->isPositive(lengths), value, dim);
      });
}

// Where the cotangent of a state may be other than zero is carried beside it.
grad::SupportRef LoopReverser::limit(unsigned number) {
  Value final = loop.getFinalResults()[number];
  grad::SupportRef support = parent.supportOf(final);
  Carry carry;
  auto type = cast<RankedTensorType>(final.getType())
                  .clone(IntegerType::get(loop.getContext(), 1));
  carry.first = support ? support->get()
                        : splat(parent.getBuilder(), loop.getLoc(), type,
                                parent.sizes(loop.getFirsts()[number]), 1);
  carry.argument = block->addArgument(type, loop.getLoc());
  limits.emplace_back(number, carry);
  return std::make_shared<grad::Support>(
      /*chosen=*/true, [bits = carry.argument] { return bits; });
}

//===-- What leaves the loop
//------------------------------------------------===//

grad::SupportRef LoopReverser::outerSupport(const Leaving &leaving,
                                            LoopOp reversed) {
  if (!leaving.inside)
    return {};
  Value count = reversed.getFinalResults()[leaving.support];
  return std::make_shared<grad::Support>(
      leaving.inside->isChosen(),
      [count, outside = &parent] { return outside->toCondition(count); });
}

grad::SupportRef LoopReverser::sliceSupport(const Leaving &leaving,
                                            LoopOp reversed) {
  if (!leaving.inside)
    return {};
  bool chosen = leaving.inside->isChosen();
  if (!leaving.always) {
    Value bits = reversed.getStackResults()[leaving.support];
    return std::make_shared<grad::Support>(chosen, [bits] { return bits; });
  }
  auto type = cast<RankedTensorType>(leaving.always.getType());
  SmallVector<int64_t> dims =
      llvm::to_vector(llvm::seq<int64_t>(1, type.getRank() + 1));
  Value wide = parent.widen(leaving.always, leaving.value, dims);
  return std::make_shared<grad::Support>(chosen, [wide] { return wide; });
}

grad::SupportRef LoopReverser::limitSupport(unsigned carry, LoopOp reversed) {
  auto found = limitOf.find(carry);
  if (found == limitOf.end())
    return {};
  Value bits = reversed.getFinalResults()[found->second];
  return std::make_shared<grad::Support>(/*chosen=*/true,
                                         [bits] { return bits; });
}
