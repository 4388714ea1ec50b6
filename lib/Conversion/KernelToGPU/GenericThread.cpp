// GenericThread.cpp: linalg ops, a thread or a block for each point of the
// parallel loops.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "ThreadCode.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace rnnc {

/// The size of each loop, read off the operands. `get` finds an operand on the
/// side, host or thread, where the code is written.
static Values loopSizes(linalg::LinalgOp op, ThreadCode &t,
                        function_ref<Value(Value)> get) {
  Values sizes(op.getNumLoops());
  SmallVector<bool> known(op.getNumLoops());
  for (OpOperand &operand : op->getOpOperands()) {
    auto type = dyn_cast<MemRefType>(operand.get().getType());
    if (!type)
      continue;
    AffineMap map = op.getMatchingIndexingMap(&operand);
    for (auto [i, expr] : llvm::enumerate(map.getResults())) {
      auto dim = dyn_cast<AffineDimExpr>(expr);
      if (!dim || known[dim.getPosition()])
        continue;
      known[dim.getPosition()] = !type.isDynamicDim(i);
      if (!sizes[dim.getPosition()] || known[dim.getPosition()])
        sizes[dim.getPosition()] = t.size(get(operand.get()), i);
    }
  }
  return sizes;
}

static Values only(ArrayRef<Value> values, ArrayRef<unsigned> which) {
  Values some;
  for (unsigned i : which)
    some.push_back(values[i]);
  return some;
}

static SmallVector<unsigned> loopsOf(linalg::LinalgOp op, bool parallel) {
  SmallVector<unsigned> dims;
  for (auto [i, kind] : llvm::enumerate(op.getIteratorTypesArray()))
    if ((kind == utils::IteratorType::parallel) == parallel)
      dims.push_back(i);
  return dims;
}

Value genericItems(linalg::LinalgOp op, ThreadCode &host) {
  Values sizes = loopSizes(op, host, [](Value v) { return v; });
  return host.product(only(sizes, loopsOf(op, /*parallel=*/true)));
}

Operation *combinerOf(linalg::LinalgOp op, unsigned number) {
  if (!isa<linalg::GenericOp>(op))
    return nullptr;
  Block &body = op->getRegion(0).front();
  Operation *def = body.getTerminator()->getOperand(number).getDefiningOp();
  BlockArgument sum = body.getArgument(op.getNumDpsInputs() + number);
  if (!def || def->getNumOperands() != 2 || !sum.hasOneUse() ||
      !llvm::is_contained(def->getOperands(), sum))
    return nullptr;
  bool known =
      isa<arith::AddFOp, arith::MulFOp, arith::MaximumFOp, arith::MinimumFOp,
          arith::AddIOp, arith::MulIOp, arith::AndIOp, arith::OrIOp,
          arith::MaxSIOp, arith::MinSIOp>(def);
  return known ? def : nullptr;
}

Value neutralOf(ThreadCode &t, Operation *combiner, Type type) {
  auto infinity = [&](bool negative) -> TypedAttr {
    return t.b.getFloatAttr(
        type,
        APFloat::getInf(cast<FloatType>(type).getFloatSemantics(), negative));
  };
  auto whole = [&](APInt value) -> TypedAttr {
    return t.b.getIntegerAttr(type, value);
  };
  unsigned bits = type.getIntOrFloatBitWidth();
  TypedAttr value =
      llvm::TypeSwitch<Operation *, TypedAttr>(combiner)
          .Case([&](arith::MulFOp) { return t.b.getFloatAttr(type, 1.0); })
          .Case([&](arith::MaximumFOp) { return infinity(true); })
          .Case([&](arith::MinimumFOp) { return infinity(false); })
          .Case([&](arith::MulIOp) { return whole(APInt(bits, 1)); })
          .Case([&](arith::AndIOp) { return whole(APInt::getAllOnes(bits)); })
          .Case([&](arith::MaxSIOp) {
            return whole(APInt::getSignedMinValue(bits));
          })
          .Case([&](arith::MinSIOp) {
            return whole(APInt::getSignedMaxValue(bits));
          })
          .Default([&](Operation *) { return t.b.getZeroAttr(type); });
  return arith::ConstantOp::create(t.b, t.loc, value);
}

Value combined(ThreadCode &t, Operation *combiner, Value x, Value y) {
  OperationState state(t.loc, combiner->getName());
  state.addOperands({x, y});
  state.addTypes(x.getType());
  return t.b.create(state)->getResult(0);
}

/// The terms of a reduction; dynamic where they are not known.
static int64_t termsOf(linalg::LinalgOp op) {
  SmallVector<int64_t> sizes = op.getStaticLoopRanges();
  int64_t terms = 1;
  for (unsigned dim : loopsOf(op, /*parallel=*/false)) {
    if (ShapedType::isDynamic(sizes[dim]))
      return ShapedType::kDynamic;
    terms *= sizes[dim];
  }
  return terms;
}

static bool isLong(linalg::LinalgOp op) {
  int64_t terms = termsOf(op);
  return ShapedType::isDynamic(terms) || terms > kManyTerms;
}

/// Threads of a block that adds up; more where there are very many terms, as in
/// the norm of all gradients: guesses.
static constexpr int64_t kSumThreads = 128, kVeryManyTerms = 1 << 16,
                         kMostSumThreads = 1024;

int64_t genericBlock(linalg::LinalgOp op) {
  if (op.getNumReductionLoops() == 0 || !isLong(op))
    return 0;
  for (auto [i, out] : llvm::enumerate(op.getDpsInitsMutable())) {
    AffineMap map = op.getMatchingIndexingMap(&out);
    for (unsigned dim : loopsOf(op, /*parallel=*/false))
      if (map.isFunctionOfDim(dim))
        return 0;
    if (!combinerOf(op, unsigned(i)))
      return 0;
  }
  return termsOf(op) >= kVeryManyTerms ? kMostSumThreads : kSumThreads;
}

namespace {

/// One op in one thread, or in one block.
class GenericThread {
public:
  GenericThread(linalg::LinalgOp op, ThreadCode &t) : op(op), t(t) {}
  void run(Value item);
  void runInBlock(Value item);

private:
  bool isSum(OpOperand &out) {
    AffineMap map = op.getMatchingIndexingMap(&out);
    return llvm::none_of(reduced,
                         [&](unsigned d) { return map.isFunctionOfDim(d); });
  }
  Value load(OpOperand &operand);
  void place(Value item);
  Values reduce(unsigned depth, ValueRange sums);
  Values point(ValueRange sums);
  Type totalType(unsigned number);
  Value toTotal(unsigned number, Value term);
  Values terms();

  linalg::LinalgOp op;
  ThreadCode &t;
  Values sizes, at;
  SmallVector<unsigned> reduced;
  SmallVector<OpOperand *> sums; ///< outputs that stay in registers
};

Value GenericThread::load(OpOperand &operand) {
  Value value = t.in(operand.get());
  if (!isa<MemRefType>(value.getType()))
    return value;
  return t.load(value, t.apply(op.getMatchingIndexingMap(&operand), at));
}

/// Computes the region at one point; elements are stored, sums are returned.
Values GenericThread::point(ValueRange carried) {
  Values arguments;
  Block &region = op->getRegion(0).front();
  for (OpOperand &operand : op->getOpOperands()) {
    const auto *sum = llvm::find(sums, &operand);
    if (sum != sums.end())
      arguments.push_back(carried[sum - sums.begin()]);
    else // what is not used is removed later
      arguments.push_back(load(operand));
  }
  Values results = t.compute(region, arguments, at), next;
  for (auto [out, value] : llvm::zip_equal(op.getDpsInitsMutable(), results)) {
    if (llvm::is_contained(sums, &out))
      next.push_back(value);
    else
      t.store(value, t.in(out.get()),
              t.apply(op.getMatchingIndexingMap(&out), at));
  }
  return next;
}

Values GenericThread::reduce(unsigned depth, ValueRange carried) {
  if (depth == reduced.size())
    return point(carried);
  scf::ForOp loop =
      t.loop(sizes[reduced[depth]], carried, [&](Value i, ValueRange inner) {
        at[reduced[depth]] = i;
        return reduce(depth + 1, inner);
      });
  return Values(loop.getResults());
}

/// The indices of the parallel loops.
void GenericThread::place(Value item) {
  sizes = loopSizes(op, t, [&](Value v) { return t.in(v); });
  at.assign(sizes.size(), Value());
  reduced = loopsOf(op, /*parallel=*/false);
  SmallVector<unsigned> parallel = loopsOf(op, /*parallel=*/true);
  Values where = t.split(item, only(sizes, parallel));
  for (auto [d, value] : llvm::zip_equal(parallel, where))
    at[d] = value;
}

void GenericThread::run(Value item) {
  place(item);
  Values start;
  if (!reduced.empty())
    for (OpOperand &out : op.getDpsInitsMutable())
      if (isSum(out)) {
        sums.push_back(&out);
        start.push_back(load(out));
      }
  Values totals = reduce(0, start);
  for (auto [out, total] : llvm::zip_equal(sums, totals))
    t.store(total, t.in(out->get()),
            t.apply(op.getMatchingIndexingMap(out), at));
}

/// Sums of f32 have totals in f64.
Type GenericThread::totalType(unsigned number) {
  Type type = getElementTypeOrSelf(op.getDpsInits()[number].getType());
  bool widens = type.isF32() && isa<arith::AddFOp>(combinerOf(op, number));
  return widens ? t.b.getF64Type() : type;
}

Value GenericThread::toTotal(unsigned number, Value term) {
  Type type = totalType(number);
  return type == term.getType()
             ? term
             : Value(arith::ExtFOp::create(t.b, t.loc, type, term));
}

/// What is combined at one point, for each output.
Values GenericThread::terms() {
  Block &region = op->getRegion(0).front();
  DenseMap<Value, Value> known;
  Values wanted;
  for (OpOperand *input : op.getDpsInputOperands()) {
    BlockArgument argument = region.getArgument(input->getOperandNumber());
    if (!argument.use_empty())
      known[argument] = load(*input);
  }
  for (auto position : region.getOps<linalg::IndexOp>())
    known[position.getResult()] = at[position.getDim()];
  for (unsigned i = 0; i != op.getNumDpsInits(); ++i) {
    Operation *combiner = combinerOf(op, i);
    BlockArgument sum = region.getArgument(op.getNumDpsInputs() + i);
    wanted.push_back(combiner->getOperand(0) == sum ? combiner->getOperand(1)
                                                    : combiner->getOperand(0));
  }
  Values values = t.compute(region, known, wanted);
  for (auto [i, value] : llvm::enumerate(values))
    value = toTotal(unsigned(i), value);
  return values;
}

/// The threads of the block take the terms in turns.
void GenericThread::runInBlock(Value item) {
  place(item);
  unsigned numOuts = op.getNumDpsInits();
  SmallVector<Operation *> combiners;
  Values start, extents = only(sizes, reduced);
  for (unsigned i = 0; i != numOuts; ++i) {
    combiners.push_back(combinerOf(op, i));
    start.push_back(neutralOf(t, combiners.back(), totalType(i)));
  }
  scf::ForOp loop =
      t.turns(t.product(extents), start, [&](Value number, ValueRange own) {
        for (auto [d, value] :
             llvm::zip_equal(reduced, t.split(number, extents)))
          at[d] = value;
        Values next;
        for (auto [i, term] : llvm::enumerate(terms()))
          next.push_back(combined(t, combiners[i], own[i], term));
        return next;
      });
  Values totals;
  for (auto [combiner, own] : llvm::zip_equal(combiners, loop.getResults()))
    totals.push_back(t.combine(own, [&, combiner = combiner](Value x, Value y) {
      return combined(t, combiner, x, y);
    }));
  t.once([&] {
    for (auto [i, out] : llvm::enumerate(op.getDpsInitsMutable())) {
      Value total =
          combined(t, combiners[i], toTotal(unsigned(i), load(out)), totals[i]);
      Type type = getElementTypeOrSelf(out.get().getType());
      if (type != total.getType())
        total = arith::TruncFOp::create(t.b, t.loc, type, total);
      t.store(total, t.in(out.get()),
              t.apply(op.getMatchingIndexingMap(&out), at));
    }
  });
}

} // namespace

void emitGeneric(linalg::LinalgOp op, ThreadCode &t, Value item) {
  GenericThread thread(op, t);
  if (t.lane)
    thread.runInBlock(item);
  else
    thread.run(item);
}

} // namespace rnnc
