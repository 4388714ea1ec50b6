// RowGroup.cpp: phases that work on the same rows, and the one made of them.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "RowGroup.h"

#include "PastEnd.h"
#include "Plan.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Dominance.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/CSE.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;

namespace rnnc {

/// The kind of a reduction, and the operand of it that is not the sum.
static std::optional<std::pair<kernel::RowKind, Value>>
combinationOf(linalg::GenericOp op) {
  auto yield = cast<linalg::YieldOp>(op.getBody()->getTerminator());
  BlockArgument sum = op.getBody()->getArguments().back();
  Operation *combine = yield.getOperand(0).getDefiningOp();
  if (!sum.hasOneUse() || !combine || combine->getNumOperands() != 2 ||
      combine->getOperand(0) != sum || combine->getOperand(1) == sum)
    return std::nullopt;
  auto kind =
      llvm::TypeSwitch<Operation *, std::optional<kernel::RowKind>>(combine)
          .Case([](arith::AddFOp) { return kernel::RowKind::sum; })
          .Case([](arith::MulFOp) { return kernel::RowKind::prod; })
          .Case([](arith::MaximumFOp) { return kernel::RowKind::max; })
          .Case([](arith::MinimumFOp) { return kernel::RowKind::min; })
          .Default([](Operation *) { return std::nullopt; });
  if (!kind)
    return std::nullopt;
  return std::pair(*kind, combine->getOperand(1));
}

static bool startsFromNeutral(linalg::GenericOp op, kernel::RowKind kind) {
  auto fill = op.getDpsInits()[0].getDefiningOp<linalg::FillOp>();
  FloatAttr number;
  if (!fill || !matchPattern(fill.value(), m_Constant(&number)))
    return false;
  double value = number.getValueAsDouble();
  double infinity = std::numeric_limits<double>::infinity();
  switch (kind) {
  case kernel::RowKind::sum:
    return value == 0;
  case kernel::RowKind::prod:
    return value == 1;
  case kernel::RowKind::max:
    return value == -infinity;
  case kernel::RowKind::min:
    return value == infinity;
  }
}

RowWork rowWorkOf(linalg::GenericOp op) {
  unsigned loops = op.getNumLoops();
  auto kinds = op.getIteratorTypesArray();
  auto maps = op.getIndexingMapsArray();
  if (loops < 1 || !op.hasPureTensorSemantics() ||
      !llvm::all_of(
          maps, [](AffineMap m) { return m.isProjectedPermutation(); }))
    return RowWork::None;
  auto isParallel = [](utils::IteratorType kind) {
    return kind == utils::IteratorType::parallel;
  };
  auto outs = ArrayRef(maps).drop_front(op.getNumDpsInputs());
  if (llvm::all_of(kinds, isParallel)) {
    for (OpOperand &init : op.getDpsInitsMutable())
      if (!op.getMatchingIndexingMap(&init).isIdentity() ||
          !op.getMatchingBlockArgument(&init).use_empty())
        return RowWork::None;
    auto type = cast<RankedTensorType>(op.getResult(0).getType());
    return type.isDynamicDim(loops - 1) ? RowWork::Row : RowWork::Point;
  }
  if (loops < 2 || op.getNumResults() != 1 ||
      !llvm::all_of(ArrayRef(kinds).drop_back(), isParallel) ||
      outs[0] != AffineMap::getMultiDimIdentityMap(loops, op.getContext())
                     .dropResult(loops - 1) ||
      op->hasAttr("rnnc.accumulate_f64"))
    return RowWork::None;
  auto combination = combinationOf(op);
  return combination && startsFromNeutral(op, combination->first)
             ? RowWork::Reduce
             : RowWork::None;
}

/// The size of the dimension that a reduction combines; 0: not known.
static int64_t unitsOf(linalg::GenericOp op) {
  unsigned unit = op.getNumLoops() - 1;
  int64_t size = op.getStaticLoopRanges()[unit];
  return ShapedType::isDynamic(size) ? 0 : size;
}

RowSpace rowSpaceOf(linalg::GenericOp op, RowWork work, Sizes &sizes) {
  RowSpace space;
  space.rows = sizes.get(op.getResult(0));
  if (work == RowWork::Point)
    space.rows.pop_back();
  if (work != RowWork::Row)
    space.units = unitsOf(op);
  return space;
}

/// The loop whose steps a block has; null where it has sequences: that of a
/// function, or of chunks of time.
static scan::LoopOp loopOfSteps(Block &block) {
  auto loop = dyn_cast<scan::LoopOp>(block.getParentOp());
  return loop && !loop.getRecompute() ? loop : scan::LoopOp();
}

/// Element by element of the rows, as it was made.
bool RowGroup::isReadPlainly(OpOperand &use) {
  auto op = cast<linalg::GenericOp>(use.getOwner());
  auto maker = use.get().getDefiningOp<linalg::GenericOp>();
  OpResult result = cast<OpResult>(use.get());
  AffineMap read = op.getMatchingIndexingMap(&use);
  AffineMap made = maker.getIndexingMapMatchingResult(result);
  return !op.isDpsInit(&use) && made.getNumResults() <= read.getNumDims() &&
         read == AffineMap::getMultiDimIdentityMap(read.getNumDims(),
                                                   op.getContext())
                     .getSliceMap(0, made.getNumResults());
}

bool RowGroup::consider(Operation *op,
                        const llvm::DenseSet<Operation *> &taken) {
  auto generic = dyn_cast_or_null<linalg::GenericOp>(op);
  if (!generic || op->getBlock() != &block || taken.contains(op) ||
      members.contains(op))
    return false;
  RowWork work = rowWorkOf(generic);
  if (work == RowWork::None)
    return false;
  RowSpace own = rowSpaceOf(generic, work, sizes);
  if ((work != RowWork::Row && !own.units) || !space.fits(own))
    return false;
  return members.insert(op);
}

/// What combines rows that a member reads, too: they are read once then.
void RowGroup::considerBeside(Value read,
                              const llvm::DenseSet<Operation *> &taken) {
  auto type = dyn_cast<RankedTensorType>(read.getType());
  if (!type || type.getRank() != int64_t(space.rows.size()) + 1)
    return;
  for (Operation *user : read.getUsers()) {
    auto generic = dyn_cast<linalg::GenericOp>(user);
    if (generic && rowWorkOf(generic) == RowWork::Reduce)
      consider(user, taken);
  }
}

bool RowGroup::grow(linalg::GenericOp seed,
                    const llvm::DenseSet<Operation *> &taken) {
  RowWork work = rowWorkOf(seed);
  space = rowSpaceOf(seed, work, sizes);
  if (!space.units || space.rows.empty() || !consider(seed, taken))
    return false;
  // Numbers of rows come along where they stand between others alone.
  for (unsigned i = 0; i != members.size(); ++i) {
    Operation *op = members[i];
    for (Value operand : op->getOperands()) {
      auto maker = operand.getDefiningOp<linalg::GenericOp>();
      if (maker && rowWorkOf(maker) != RowWork::Row)
        consider(maker, taken);
      considerBeside(operand, taken);
    }
    for (Operation *user : op->getUsers())
      consider(user, taken);
  }
  keepTogether();
  return members.contains(seed);
}

/// Leaves out what depends on a member in another way than element by element
/// of its rows.
void RowGroup::keepTogether() {
  auto sorted = members.takeVector();
  llvm::sort(sorted,
             [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
  llvm::DenseSet<Operation *> wanted(sorted.begin(), sorted.end());
  llvm::DenseSet<Operation *> behind;
  for (Operation &op : block) {
    bool isMember = wanted.contains(&op), apart = false;
    op.walk([&](Operation *inner) {
      for (OpOperand &use : inner->getOpOperands()) {
        Operation *maker = use.get().getDefiningOp();
        if (!maker)
          continue;
        if (members.contains(maker))
          apart |= !isMember || !isReadPlainly(use);
        else
          apart |= behind.contains(maker);
      }
    });
    if (apart)
      behind.insert(&op);
    else if (isMember)
      members.insert(&op);
  }
}

/// The lengths that a condition in a member holds its rows against, or null.
Value RowGroup::lengthsOf(linalg::GenericOp op, Value condition) {
  std::optional<RowMask> mask = rowMaskOf(op, condition);
  unsigned rows = space.rows.size();
  if (!mask || mask->rowDim != rows - 1)
    return {};
  scan::LoopOp loop = loopOfSteps(block);
  bool atStep = rows == 2 ? mask->timeDim == 0u && !loop
                          : loop && mask->step == loop.getStep();
  return atStep ? mask->lengths : Value();
}

/// The lengths behind which a mask makes a result 0, or null.
Value RowGroup::zeroBehind(OpResult result) {
  auto op = cast<linalg::GenericOp>(result.getOwner());
  if (rowWorkOf(op) == RowWork::Reduce)
    return {};
  Value yielded =
      op.getBody()->getTerminator()->getOperand(result.getResultNumber());
  auto select = yielded.getDefiningOp<arith::SelectOp>();
  return select && matchPattern(select.getFalseValue(), m_AnyZeroFloat())
             ? lengthsOf(op, select.getCondition())
             : Value();
}

/// What a value is in rows that have not ended.
Value RowGroup::beforeEnd(linalg::GenericOp op, Value value) {
  while (auto select = value.getDefiningOp<arith::SelectOp>()) {
    if (!lengths || lengthsOf(op, select.getCondition()) != lengths)
      break;
    value = select.getTrueValue();
  }
  return value;
}

void RowGroup::findOuts() {
  outs.clear();
  for (Operation *op : members)
    for (OpResult result : op->getResults())
      if (!llvm::all_of(result.getUsers(), [&](Operation *user) {
            return members.contains(user);
          }))
        outs.push_back(result);
}

void RowGroup::findEnds() {
  unsigned rows = space.rows.size();
  scan::LoopOp loop = loopOfSteps(block);
  lengths = Value();
  findOuts();
  PastEnd past;
  bool free = rows == (loop ? 1 : 2);
  for (OpResult out : outs) {
    if (!free)
      break;
    Value zero = zeroBehind(out);
    free = zero ? past.agree(zero) : past.reachesNobody(out, rows);
  }
  // A value that only members read is read in rows that are computed.
  lengths = free ? past.getLengths() : Value();
  if (loop && lengths && lengths != loop.getLengths())
    lengths = Value();
  dropPositions();
}

/// Without the number of its row a phase cannot mask it.
void RowGroup::dropPositions() {
  SmallVector<Operation *> gone;
  for (Operation *op : members) {
    auto generic = cast<linalg::GenericOp>(op);
    llvm::DenseSet<Operation *> used;
    SmallVector<Value> wanted(
        generic.getBody()->getTerminator()->getOperands());
    bool needsIndex = false;
    while (!wanted.empty()) {
      Value value = beforeEnd(generic, wanted.pop_back_val());
      Operation *maker = value.getDefiningOp();
      if (!maker || maker->getBlock() != generic.getBody() ||
          !used.insert(maker).second)
        continue;
      needsIndex |= isa<linalg::IndexOp>(maker);
      llvm::append_range(wanted, maker->getOperands());
    }
    if (needsIndex)
      gone.push_back(op);
  }
  if (gone.empty())
    return;
  for (Operation *op : gone)
    members.remove(op);
  keepTogether();
  findEnds();
}

/// Functions that cost more than memory does.
static bool isCostly(Operation *op) {
  bool costly = false;
  op->walk([&](Operation *inner) { costly |= isExpensive(inner); });
  return costly;
}

/// Several phases over rows that are combined read them once; rows past an end
/// are left out where they cost something.
bool RowGroup::pays() const {
  if (members.empty())
    return false;
  bool reduces = llvm::any_of(members, [](Operation *op) {
    return rowWorkOf(cast<linalg::GenericOp>(op)) == RowWork::Reduce;
  });
  if (reduces && members.size() > 1)
    return true;
  return lengths && space.rows.size() == 2 && llvm::any_of(members, isCostly);
}

/// The map of an input, over rows and units.
AffineMap RowGroup::mapOf(OpOperand &use) {
  auto op = cast<linalg::GenericOp>(use.getOwner());
  AffineMap map = op.getMatchingIndexingMap(&use);
  return AffineMap::get(space.rows.size() + 1, 0, map.getResults(),
                        map.getContext());
}

/// The code of a member on the values of the phase.
void RowGroup::cloneMember(linalg::GenericOp op, OpBuilder &b,
                           IRMapping &values) {
  IRMapping inner;
  for (OpOperand *use : op.getDpsInputOperands()) {
    BlockArgument argument = op.getMatchingBlockArgument(use);
    Value value = values.lookupOrNull(use->get());
    if (!value || !members.contains(use->get().getDefiningOp())) {
      auto *at = llvm::find(inputs, std::pair(use->get(), mapOf(*use)));
      value = b.getInsertionBlock()->getArgument(at - inputs.begin());
    }
    inner.map(argument, value);
  }
  auto yield = op.getBody()->getTerminator();
  bool reduces = rowWorkOf(op) == RowWork::Reduce;
  for (Operation &one : op.getBody()->without_terminator()) {
    if (Value value = one.getNumResults() ? Value(one.getResult(0)) : Value();
        value && beforeEnd(op, value) != value) {
      inner.map(value, inner.lookupOrDefault(beforeEnd(op, value)));
      continue;
    }
    if (isa<linalg::IndexOp>(one) ||
        (reduces && &one == yield->getOperand(0).getDefiningOp()))
      continue;
    // What only the position needs goes with it.
    if (llvm::any_of(one.getOperands(), [&](Value v) {
          return v.getParentBlock() == op.getBody() && !inner.contains(v);
        }))
      continue;
    b.clone(one, inner);
  }
  for (OpResult result : op.getResults()) {
    if (reduces) {
      auto [kind, value] = *combinationOf(op);
      values.map(result, kernel::ReduceRowOp::create(
                             b, op.getLoc(), kind, inner.lookupOrDefault(value))
                             .getResult());
      continue;
    }
    values.map(result, inner.lookupOrDefault(
                           yield->getOperand(result.getResultNumber())));
  }
}

/// Inputs that only a mask needed.
static void dropUnread(kernel::PhaseOp phase) {
  SmallVector<Attribute> maps(phase.getMaps().getValue());
  for (unsigned i = phase.getInputs().size(); i-- > 0;) {
    if (!phase.getBody().getArgument(i).use_empty())
      continue;
    phase.getBody().eraseArgument(i);
    phase.getInputsMutable().erase(i);
    maps.erase(maps.begin() + i);
  }
  phase.setMapsAttr(ArrayAttr::get(phase.getContext(), maps));
}

kernel::PhaseOp RowGroup::form() {
  findOuts();
  Operation *last = members.back();
  OpBuilder b(last);
  SmallVector<Location> locs;
  for (Operation *op : members) {
    locs.push_back(op->getLoc());
    for (OpOperand *use : cast<linalg::GenericOp>(op).getDpsInputOperands())
      if (!members.contains(use->get().getDefiningOp())) {
        std::pair<Value, AffineMap> input(use->get(), mapOf(*use));
        if (!llvm::is_contained(inputs, input))
          inputs.push_back(input);
      }
  }
  Location loc = locs.back();
  Block *body = new Block();
  SmallVector<Attribute> maps;
  SmallVector<Value> read, inits, yielded;
  for (auto [value, map] : inputs) {
    read.push_back(value);
    maps.push_back(AffineMapAttr::get(map));
    body->addArgument(getElementTypeOrSelf(value.getType()), loc);
  }
  IRMapping values;
  OpBuilder inside(b.getContext());
  inside.setInsertionPointToEnd(body);
  for (Operation *op : members)
    cloneMember(cast<linalg::GenericOp>(op), inside, values);
  SmallVector<Type> types;
  SmallVector<int64_t> perRow, zeros;
  SmallVector<unsigned> numberOf; // of the result that an out becomes
  for (OpResult out : outs) {
    auto op = cast<linalg::GenericOp>(out.getOwner());
    Value value = values.lookup(out);
    bool isZero = lengths && zeroBehind(out);
    // What is masked, and what it is made of, are one where rows have not
    // ended; behind it nobody looks at the other.
    unsigned number = 0;
    while (number != yielded.size() &&
           (yielded[number] != value || types[number] != out.getType()))
      ++number;
    numberOf.push_back(number);
    if (isZero && !llvm::is_contained(zeros, number))
      zeros.push_back(number);
    if (number != yielded.size())
      continue;
    Value init = op.getDpsInits()[out.getResultNumber()];
    if (auto fill = init.getDefiningOp<linalg::FillOp>())
      init = fill.getOutputs()[0];
    inits.push_back(init);
    types.push_back(out.getType());
    yielded.push_back(value);
    if (rowWorkOf(op) != RowWork::Point)
      perRow.push_back(number);
  }
  llvm::sort(zeros);
  kernel::YieldOp::create(inside, loc, yielded);
  Value at;
  if (lengths) {
    scan::LoopOp loop = loopOfSteps(block);
    at = loop ? loop.getStep()
              : arith::ConstantIndexOp::create(b, loc, 0).getResult();
  }
  auto numbers = [&](ArrayRef<int64_t> of) {
    return of.empty() ? DenseI64ArrayAttr() : b.getDenseI64ArrayAttr(of);
  };
  auto phase = kernel::PhaseOp::create(
      b, loc, types, /*lefts=*/ValueRange(), /*rights=*/ValueRange(), read,
      inits, lengths, at, /*valid=*/Value(), /*turn=*/Value(),
      /*in_place=*/Value(), /*matrices=*/ValueRange(), b.getArrayAttr({}),
      b.getArrayAttr(maps), numbers(perRow), numbers(zeros),
      perRow.size() == yielded.size() ? b.getI64IntegerAttr(space.units)
                                      : IntegerAttr(),
      /*stored_bits=*/DenseI64ArrayAttr(), /*packed=*/UnitAttr());
  phase.getBody().push_back(body);
  IRRewriter rewriter(b);
  (void)runRegionDCE(rewriter, phase->getRegions());
  DominanceInfo dominance(phase);
  eliminateCommonSubExpressions(rewriter, dominance, phase);
  dropUnread(phase);
  for (auto [out, number] : llvm::zip_equal(outs, numberOf))
    out.replaceAllUsesWith(phase.getResult(number));
  for (Operation *op : llvm::reverse(members.getArrayRef()))
    op->erase();
  members.clear();
  return phase;
}

} // namespace rnnc
