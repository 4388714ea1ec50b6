// EmitLoop.cpp: time loops on rows of stacked buffers.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Emitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace rnnc {

static bool masksCarry(scan::LoopOp loop, unsigned number) {
  return loop.getLengths() && loop.isMaskedCarry(number);
}

static bool masksStack(scan::LoopOp loop, unsigned number) {
  return loop.getLengths() && loop.isMaskedStack(number);
}

int carryBefore(scan::ShiftOp op) {
  auto loop = op.getInput().getDefiningOp<scan::LoopOp>();
  if (!loop || op.getTimeDim() != 0 || op.getLengths() || !op.getFill())
    return -1;
  unsigned stack = cast<OpResult>(op.getInput()).getResultNumber();
  bool back = op.getByAttr().getInt() < 0;
  if (stack >= loop.getNumStacks() || back != loop.getReverse())
    return -1;
  for (unsigned k = 0; k < loop.getNumCarries(); ++k)
    if (loop.getFirsts()[k] == op.getFill() &&
        loop.getYield().getCarries()[k] == loop.getYield().getStacks()[stack])
      return k;
  return -1;
}

//===----------------------------------------------------------------------===//
// Where carries live
//===----------------------------------------------------------------------===//

/// The product that each step adds to a carry, and the carry is for nothing
/// else; null where it is not so.
static scan::DotOp addedProduct(scan::LoopOp loop, unsigned number) {
  Value carry = loop.getCarryArgs()[number];
  auto sum =
      loop.getYield().getCarries()[number].getDefiningOp<linalg::GenericOp>();
  if (!sum || masksCarry(loop, number) || !carry.hasOneUse() ||
      sum.getNumDpsInputs() != 2 || sum.getNumResults() != 1 ||
      !sum->hasOneUse() || sum.getNumReductionLoops() > 0 ||
      sum->getBlock() != loop.getBodyBlock() ||
      !llvm::all_of(sum.getIndexingMapsArray(),
                    [](AffineMap map) { return map.isIdentity(); }))
    return {};
  Block *body = sum.getBody();
  auto add = dyn_cast<arith::AddFOp>(body->front());
  if (!add || body->getTerminator()->getOperand(0) != add.getResult() ||
      add.getLhs() == add.getRhs() ||
      !llvm::all_of(add->getOperands(), [&](Value value) {
        return value == body->getArgument(0) || value == body->getArgument(1);
      }))
    return {};
  Value term = sum.getInputs()[sum.getInputs()[0] == carry ? 1 : 0];
  auto dot = term.getDefiningOp<scan::DotOp>();
  bool isTerm = llvm::is_contained(sum.getInputs(), carry) && dot &&
                dot->hasOneUse() && dot->getBlock() == loop.getBodyBlock() &&
                dot.isMatrixProduct() &&
                cast<RankedTensorType>(dot.getType()).hasStaticShape();
  return isTerm ? dot : scan::DotOp();
}

/// What the first step of a loop reads of a carry.
void Emitter::startCarry(Value init, const Buffer &start, LoopMemory &memory) {
  if (takesDestination(init))
    dests[init].push_back(start);
  else
    memory.initCopies.push_back({init, start});
}

/// A carry to which a product is added in place: a weight gradient, which is
/// not written and read once more in each chunk of time.
bool Emitter::planSum(scan::LoopOp loop, unsigned number, LoopMemory &memory) {
  scan::DotOp dot = addedProduct(loop, number);
  if (!dot)
    return false;
  Value result = loop.getFinalResults()[number];
  ArrayRef<Buffer> wanted = dests[result];
  LoopMemory::Carry carry;
  carry.isSum = true;
  bool fits = !wanted.empty() &&
              wanted.front().type().getLayout().isIdentity() &&
              (result.hasOneUse() || !reused.contains(wanted.front().memref));
  carry.storage = fits ? wanted.front() : allocLike(result);
  Value sum = loop.getYield().getCarries()[number];
  dests[dot.getResult()].push_back(carry.storage);
  dests[sum].push_back(carry.storage);
  added.insert(dot);
  added.insert(sum.getDefiningOp());
  reused.insert(carry.storage.memref);
  carry.fromZero =
      loop.getRecompute() && scan::getSplat(loop.getFirsts()[number]) == 0.0;
  if (!carry.fromZero)
    startCarry(loop.getFirsts()[number], carry.storage, memory);
  memory.carries.push_back(carry);
  return true;
}

/// A carry that is also stacked lives in the stack, which then has one more
/// row for its first value; any other in two buffers that alternate.
void Emitter::planCarry(scan::LoopOp loop, unsigned number, LoopMemory &memory,
                        OpFoldResult trip) {
  if (planSum(loop, number, memory))
    return;
  Location loc = loop.getLoc();
  Value init = loop.getFirsts()[number];
  Value next = loop.getYield().getCarries()[number];
  Value before = loop.getCarryArgs()[number];
  auto free = [&](unsigned stack) {
    return memory.stackCarry[stack] < 0 &&
           dests[loop.getStackResults()[stack]].empty() &&
           !loop.getStackResults()[stack].use_empty();
  };
  int after = -1, prior = -1;
  for (unsigned j = 0; j < loop.getNumStacks(); ++j) {
    Value stacked = loop.getYield().getStacks()[j];
    if (after < 0 && stacked == next && free(j))
      after = j;
    if (prior < 0 && stacked == before && free(j) && !masksStack(loop, j))
      prior = j;
  }
  // Zeroing rows past the end in place would change what `prior` shows.
  if (after >= 0 && prior >= 0 && masksStack(loop, after))
    after = -1;
  LoopMemory::Carry carry;
  SmallVector<OpFoldResult> shape = sizes.get(init);
  carry.inStack = after >= 0 || prior >= 0;
  shape.insert(shape.begin(), carry.inStack ? OpFoldResult(sizes.plus(trip, 1))
                                            : OpFoldResult(b.getIndexAttr(2)));
  carry.storage = alloc(loc, getElementTypeOrSelf(init.getType()), shape);
  bool reverse = loop.getReverse();
  auto show = [&](int stack, bool isBefore) {
    if (stack < 0)
      return;
    bool first = reverse != isBefore;
    memory.stackCarry[stack] = number;
    memory.stackBefore[stack] = isBefore;
    memory.stacks[stack] =
        rowsOf(b, loc, carry.storage, b.getIndexAttr(first ? 0 : 1), trip);
  };
  show(after, false);
  show(prior, true);
  Buffer start =
      rowOf(b, loc, carry.storage,
            carry.inStack && reverse ? trip : OpFoldResult(b.getIndexAttr(0)));
  if (!carry.inStack)
    reused.insert(start.memref);
  startCarry(init, start, memory);
  memory.carries.push_back(carry);
}

void Emitter::planLoop(scan::LoopOp loop) {
  LoopMemory memory;
  OpFoldResult trip = sizes.index(loop.getTrip());
  if (auto constant = cast<Value>(trip).getDefiningOp<arith::ConstantIndexOp>())
    trip = b.getIndexAttr(constant.value());
  memory.stacks.resize(loop.getNumStacks());
  memory.stackCarry.assign(loop.getNumStacks(), -1);
  memory.stackBefore.assign(loop.getNumStacks(), false);
  for (unsigned k = 0; k < loop.getNumCarries(); ++k)
    planCarry(loop, k, memory, trip);
  for (auto [j, result] : llvm::enumerate(loop.getStackResults())) {
    if (!memory.stacks[j] && !result.use_empty()) {
      ArrayRef<Buffer> wanted = dests[result];
      memory.stacks[j] = wanted.empty() ? allocLike(result) : wanted.front();
    }
    if (memory.stacks[j])
      buffers[result] = memory.stacks[j];
  }
  loops[loop] = memory;
}

//===----------------------------------------------------------------------===//
// The loop
//===----------------------------------------------------------------------===//

/// The smallest length as an index: before it no row is past its end.
Value Emitter::shortestLength(Location loc, Value lengths) {
  Buffer memory = bufferFor(lengths);
  Buffer shortest = alloc(loc, b.getI32Type(), {});
  fill(loc, shortest, std::numeric_limits<int32_t>::max());
  AffineMap each = b.getMultiDimIdentityMap(1);
  linalg::GenericOp::create(
      b, loc, ValueRange{memory.memref}, ValueRange{shortest.memref},
      ArrayRef<AffineMap>{each, AffineMap::get(1, 0, b.getContext())},
      utils::IteratorType::reduction,
      [](OpBuilder &body, Location at, ValueRange in) {
        Value least = arith::MinSIOp::create(body, at, in[1], in[0]);
        linalg::YieldOp::create(body, at, least);
      });
  Value number = memref::LoadOp::create(b, loc, shortest.memref, ValueRange());
  return arith::IndexCastOp::create(b, loc, b.getIndexType(), number);
}

/// What comes before the first step.
Emitter::LoopStart Emitter::startLoop(scan::LoopOp loop) {
  Location loc = loop.getLoc();
  const LoopMemory &memory = loops[loop];
  for (auto [value, buffer] : memory.initCopies)
    write(loc, value, buffer);
  bool masked = false;
  for (unsigned k = 0; k < loop.getNumCarries(); ++k)
    masked |= masksCarry(loop, k);
  for (unsigned j = 0; j < loop.getNumStacks(); ++j)
    masked |= masksStack(loop, j) && memory.stacks[j];
  LoopStart start{sizes.index(loop.getTrip()), Value()};
  bool lists = loop.getLengths() && makeRowLists(loop);
  if (masked || lists)
    start.shortest = shortestLength(loc, loop.getLengths());
  return start;
}

/// What was decided about the loop on GPUs.
static void keepDecisions(scan::LoopOp loop, scf::ForOp made) {
  using kernel::Decision;
  SmallVector<Attribute> kept;
  bool any = false;
  for (kernel::ScheduleAttr one : kernel::schedulesOf(loop)) {
    bool decides = one.get(Decision::LoopPlan) != 0;
    any |= decides;
    kept.push_back(decides ? one : one.only({}));
  }
  if (!any)
    return;
  made->setAttr(kernel::kSchedules, ArrayAttr::get(made.getContext(), kept));
  if (Attribute name = loop->getAttr(kernel::kDecisionName))
    made->setAttr(kernel::kDecisionName, name);
}

void Emitter::emitFor(scan::LoopOp loop, LoopStart start) {
  auto loopOp = scf::ForOp::create(b, loop.getLoc(), sizes.constant(0),
                                   start.trip, sizes.constant(1));
  if (std::optional<uint64_t> factor = loop.getUnroll(); factor.value_or(1) > 1)
    loopOp->setAttr("kernel.unroll", loop.getUnrollAttr());
  keepDecisions(loop, loopOp);
  bool outermost = !outermostLoop;
  if (outermost)
    outermostLoop = loopOp;
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPoint(loopOp.getBody()->getTerminator());
    emitLoopBody(loop, loops[loop], loopOp.getInductionVar(), start.trip,
                 start.shortest);
  }
  if (outermost)
    outermostLoop = nullptr;
}

/// About how many multiplications the products of a loop take, or as many ops
/// of its pointwise code, those of loops in it among them.
Value Emitter::termsOf(scan::LoopOp loop) {
  Location loc = loop.getLoc();
  auto volume = [](Value tensor) {
    int64_t all = 1;
    for (int64_t size : cast<ShapedType>(tensor.getType()).getShape())
      all *= ShapedType::isDynamic(size) ? 1 : size;
    return all;
  };
  int64_t ofRow = 0;
  OpFoldResult rows = b.getIndexAttr(1);
  Value inner; // of loops in a step
  for (Operation &op : *loop.getBodyBlock()) {
    if (auto nested = dyn_cast<scan::LoopOp>(op)) {
      Value own = termsOf(nested);
      inner = inner ? arith::AddIOp::create(b, loc, inner, own) : own;
    } else if (auto phase = dyn_cast<kernel::PhaseOp>(op)) {
      if (phase.getNumRowDims() > 0)
        rows = sizes.get(phase.getOuts().front(), 0);
      if (phase.getLefts().empty())
        ofRow += phase.getNumUnits() *
                 int64_t(phase.getBody().front().getOperations().size());
      for (Value right : phase.getRights())
        ofRow += volume(right);
    } else if (auto dot = dyn_cast<scan::DotOp>(op)) {
      if (cast<RankedTensorType>(dot.getLhs().getType()).getRank() > 0)
        rows = sizes.get(dot.getLhs(), 0);
      ofRow += volume(dot.getRhs());
    } else if (auto generic = dyn_cast<linalg::GenericOp>(op)) {
      if (generic.getNumLoops() && generic.getNumResults())
        ofRow += volume(generic.getResult(0)) *
                 int64_t(generic.getBody()->getOperations().size());
    }
  }
  Value terms = arith::MulIOp::create(b, loc, sizes.index(loop.getTrip()),
                                      indexValue(loc, rows));
  terms = arith::MulIOp::create(b, loc, terms, sizes.constant(ofRow));
  if (!inner)
    return terms;
  inner = arith::MulIOp::create(b, loc, inner, sizes.index(loop.getTrip()));
  return arith::AddIOp::create(b, loc, terms, inner);
}

/// One loop, or several that do not need each other.
void Emitter::emitLoops(ArrayRef<scan::LoopOp> all) {
  SmallVector<LoopStart> starts;
  for (scan::LoopOp loop : all)
    starts.push_back(startLoop(loop));
  if (all.size() == 1) {
    emitFor(all.front(), starts.front());
    return finishLoop(all.front(), starts.front());
  }
  scan::LoopOp first = all.front();
  Location loc = first.getLoc();
  Value terms = termsOf(first);
  for (scan::LoopOp loop : all.drop_front())
    terms = arith::AddIOp::create(b, loc, terms, termsOf(loop));
  Value rows = sizes.constant(1);
  // Of examples; sums of parameters' gradients have none.
  for (Value init : first.getFirsts()) {
    auto type = cast<RankedTensorType>(init.getType());
    if (type.getRank() == 0 || !type.isDynamicDim(0))
      continue;
    rows = indexValue(loc, sizes.get(init, 0));
    break;
  }
  auto beside = kernel::BesideOp::create(b, loc, terms, rows, all.size());
  kernel::copySchedules(first, beside);
  Operation *outer = outermostLoop;
  if (!outer)
    outermostLoop = beside;
  for (auto [loop, start, part] :
       llvm::zip_equal(all, starts, beside.getParts())) {
    OpBuilder::InsertionGuard guard(b);
    b.createBlock(&part);
    emitFor(loop, start);
  }
  outermostLoop = outer;
  for (auto [loop, start] : llvm::zip_equal(all, starts))
    finishLoop(loop, start);
}

/// A list of the rows that have not ended, all rows to begin with.
Value Emitter::rowList(scan::LoopOp loop, Type integer) {
  Location loc = loop.getLoc();
  OpFoldResult rows = sizes.get(loop.getLengths(), 0);
  Buffer list = alloc(loc, integer, {OpFoldResult(sizes.plus(rows, 1))});
  kernel::ValidRowsOp::create(b, loc, bufferFor(loop.getLengths()).memref,
                              list.memref, sizes.constant(-1));
  return list.memref;
}

/// Makes the lists that phases and products ask for; whether there are any.
bool Emitter::makeRowLists(scan::LoopOp loop) {
  Block *body = loop.getBodyBlock();
  if (llvm::any_of(body->getOps<kernel::PhaseOp>(),
                   [](auto phase) { return bool(phase.getLengths()); }))
    validRows[loop] = rowList(loop, b.getI32Type());
  if (llvm::any_of(body->getOps<scan::DotOp>(), [](auto dot) {
        return dot.getLengths() && dot.getLeading() == 1;
      }))
    productRows[loop] = rowList(loop, b.getI64Type());
  return validRows.contains(loop) || productRows.contains(loop);
}

/// Brings the lists up to date in the steps that change them: those past the
/// end of some row and, for a loop that goes back, the one before them.
void Emitter::listValidRows(scan::LoopOp loop, Value following, Value shortest,
                            Value step) {
  SmallVector<Value> lists;
  for (auto *known : {&validRows, &productRows})
    if (Value list = known->lookup(loop))
      lists.push_back(list);
  if (lists.empty())
    return;
  Location loc = loop.getLoc();
  Value changes = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sge,
                                        following, shortest);
  auto guardOp = scf::IfOp::create(b, loc, changes);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(guardOp.thenBlock()->getTerminator());
  for (Value list : lists)
    kernel::ValidRowsOp::create(b, loc, bufferFor(loop.getLengths()).memref,
                                list, step);
}

void Emitter::emitLoopBody(scan::LoopOp loop, const LoopMemory &memory,
                           Value count, Value trip, Value shortest) {
  Location loc = loop.getLoc();
  Value one = sizes.constant(1), two = sizes.constant(2);
  Value step = count;
  Value after = arith::AddIOp::create(b, loc, count, one);
  if (loop.getReverse())
    step = arith::SubIOp::create(b, loc, trip, after);
  steps[loop] = step;
  Value old = arith::RemUIOp::create(b, loc, count, two);
  Value fresh = arith::RemUIOp::create(b, loc, after, two);
  Value following = arith::AddIOp::create(b, loc, step, one);
  SmallVector<std::pair<Value, Buffer>> outputs;
  SmallVector<Buffer> nexts, rows(memory.stacks.size());
  for (auto [k, carry] : llvm::enumerate(memory.carries)) {
    if (carry.isSum) {
      buffers[loop.getCarryArgs()[k]] = carry.storage;
      nexts.push_back(carry.storage);
      continue;
    }
    Value from = old, to = fresh;
    if (carry.inStack) {
      from = loop.getReverse() ? following : step;
      to = loop.getReverse() ? step : following;
    }
    buffers[loop.getCarryArgs()[k]] = rowOf(b, loc, carry.storage, from);
    nexts.push_back(rowOf(b, loc, carry.storage, to));
    outputs.push_back({loop.getYield().getCarries()[k], nexts.back()});
  }
  for (auto [j, stack] : llvm::enumerate(memory.stacks)) {
    if (!stack || memory.stackCarry[j] >= 0)
      continue;
    rows[j] = rowOf(b, loc, stack, step);
    outputs.push_back({loop.getYield().getStacks()[j], rows[j]});
  }
  if (llvm::any_of(memory.carries, [](auto &carry) { return carry.fromZero; }))
    isFirst[loop] = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq,
                                          count, sizes.constant(0));
  listValidRows(loop, following, shortest, step);
  emitBlock(*loop.getBodyBlock(), outputs);
  if (!shortest)
    return;
  // Rows past their end, in the steps that have some.
  Value ragged =
      arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sge, step, shortest);
  auto guardOp = scf::IfOp::create(b, loc, ragged);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(guardOp.thenBlock()->getTerminator());
  Value lengths = bufferFor(loop.getLengths()).memref;
  for (unsigned k = 0; k < loop.getNumCarries(); ++k)
    if (masksCarry(loop, k))
      kernel::MaskRowsOp::create(b, loc, nexts[k].memref, lengths, step,
                                 buffers[loop.getCarryArgs()[k]].memref, 0,
                                 IntegerAttr());
  for (auto [j, row] : llvm::enumerate(rows))
    if (row && masksStack(loop, j))
      kernel::MaskRowsOp::create(b, loc, row.memref, lengths, step, Value(), 0,
                                 IntegerAttr());
}

/// A sum that no step has begun.
void Emitter::zeroWithoutSteps(Location loc, const Buffer &sum, Value trip) {
  Value none = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, trip,
                                     sizes.constant(0));
  auto guardOp = scf::IfOp::create(b, loc, none);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(guardOp.thenBlock()->getTerminator());
  fill(loc, sum, 0);
}

/// Last values, and zeros in the stacked carries past each example's end.
void Emitter::finishLoop(scan::LoopOp loop, LoopStart start) {
  Location loc = loop.getLoc();
  const LoopMemory memory = loops[loop];
  auto [trip, shortest] = start;
  Value parity;
  for (auto [k, carry] : llvm::enumerate(memory.carries)) {
    Value result = loop.getFinalResults()[k];
    if (result.use_empty())
      continue;
    if (carry.isSum) {
      if (carry.fromZero)
        zeroWithoutSteps(loc, carry.storage, trip);
      buffers[result] = carry.storage;
      copyToOthers(result);
      continue;
    }
    OpFoldResult last = loop.getReverse() ? OpFoldResult(b.getIndexAttr(0))
                                          : OpFoldResult(trip);
    if (!carry.inStack) {
      if (!parity)
        parity = arith::RemUIOp::create(b, loc, trip, sizes.constant(2));
      last = parity;
    }
    buffers[result] = rowOf(b, loc, carry.storage, last);
    bool zeroed = false;
    for (unsigned j = 0; j < loop.getNumStacks(); ++j)
      zeroed |= memory.stackCarry[j] == static_cast<int>(k) &&
                !memory.stackBefore[j] && masksStack(loop, j);
    // Where another loop begins is written again: not for a value that more
    // than that loop reads.
    if (zeroed) {
      Buffer last = buffers[result];
      place(result);
      copy(loc, last, buffers[result]);
    }
    copyToOthers(result);
  }
  for (unsigned j = 0; j < loop.getNumStacks(); ++j) {
    if (memory.stackCarry[j] >= 0 && !memory.stackBefore[j] &&
        masksStack(loop, j)) {
      Value ragged = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt,
                                           shortest, trip);
      auto guardOp = scf::IfOp::create(b, loc, ragged);
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPoint(guardOp.thenBlock()->getTerminator());
      kernel::MaskRowsOp::create(b, loc, memory.stacks[j].memref,
                                 bufferFor(loop.getLengths()).memref, Value(),
                                 Value(), 1, b.getI64IntegerAttr(0));
    }
    if (memory.stacks[j])
      copyToOthers(loop.getStackResults()[j]);
  }
}

} // namespace rnnc
