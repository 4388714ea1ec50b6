// LongSums.cpp: sums of f32 over time and examples that keep their digits.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A few terms are added up in f32, where the vectors are twice as wide and
// nothing can be lost yet; the parts then are added to totals in f64. What is
// a part depends on the sizes alone.

#include "GenericLowering.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace rnnc {

/// Terms of a part: what they lose, half a unit in the last place each, stays
/// below 1e-6 of the sum.
static constexpr int64_t kFewTerms = 16;
/// Columns whose totals are kept at a time: 2 KB of the stack.
static constexpr int64_t kTotalColumns = 256;
/// A fixed axis this short is added up as it always was.
static constexpr int64_t kShort = 256;

/// Reductions that may have many terms, if an output is a sum of f32.
void GenericLowering::findLongSums() {
  if (mixed || accumulated.empty() || !combinersKnown())
    return;
  int64_t terms = 1;
  auto count = [&](unsigned d) {
    terms = isStaticSize(staticSizes[d]) && isStaticSize(terms)
                ? terms * staticSizes[d]
                : ShapedType::kDynamic;
  };
  for (unsigned d : reduced)
    count(d);
  if (vecDim >= 0 && vecReduced)
    count(vecDim);
  if (isStaticSize(terms) && terms <= kShort)
    return;
  SmallVector<bool> sums;
  for (unsigned o : accumulated)
    sums.push_back(isSum(o) &&
                   getElementTypeOrSelf(op.getDpsInits()[o].getType()).isF32());
  if (llvm::is_contained(sums, true))
    isLong = sums;
}

//===-- Totals
//-------------------------------------------------------------===//

static Type withElement(Type type, Type element) {
  if (auto vector = dyn_cast<VectorType>(type))
    return vector.clone(element);
  return element;
}

Value GenericLowering::toTotal(unsigned i, Value term) {
  if (!isLong[i])
    return term;
  return arith::ExtFOp::create(
      b, loc, withElement(term.getType(), b.getF64Type()), term);
}

Value GenericLowering::fromTotal(unsigned i, Value total) {
  if (!isLong[i])
    return total;
  return arith::TruncFOp::create(
      b, loc, withElement(total.getType(), b.getF32Type()), total);
}

Value GenericLowering::addTotals(unsigned i, Value x, Value y) {
  return combine(accumulated[i], x, y);
}

GenericLowering::Values GenericLowering::addTerms(ValueRange totals,
                                                  ValueRange terms) {
  Values result;
  for (auto [i, total, term] : llvm::enumerate(totals, terms))
    result.push_back(addTotals(i, total, toTotal(i, term)));
  return result;
}

GenericLowering::Values GenericLowering::neutralTerms(bool vector) {
  Values result;
  for (unsigned o : accumulated) {
    Type type = getElementTypeOrSelf(op.getDpsInits()[o].getType());
    if (vector)
      type = VectorType::get({int64_t(lanes)}, type);
    result.push_back(neutral(o, type));
  }
  return result;
}

GenericLowering::Values GenericLowering::neutralTotals(bool vector) {
  Values result = neutralTerms(vector);
  for (auto [i, value] : llvm::enumerate(result))
    if (isLong[i])
      value =
          neutral(accumulated[i], withElement(value.getType(), b.getF64Type()));
  return result;
}

//===-- Along one value at a time
//------------------------------------------===//

/// Plain loops: each term is added to the total.
void GenericLowering::longScalar() {
  Lane lane;
  parallelLoops(parallel, [&] {
    Values sums = reductionLoops(reduced, neutralTotals(false), [&](Values in) {
      return addTerms(in, computeBody(lane, neutralTerms(false)));
    });
    for (auto [i, o] : llvm::enumerate(accumulated)) {
      Value before = toTotal(i, load(*op.getDpsInitOperand(o), lane));
      storeOutput(o, fromTotal(i, addTotals(i, before, sums[i])), lane);
    }
  });
}

/// The vector dimension is reduced: parts of a few vectors.
void GenericLowering::longAlongVectors() {
  bool strided = hasStridedOperand();
  unsigned each = accumulated.size(), unroll = 4;
  int64_t known = staticSizes[vecDim];
  if (isStaticSize(known))
    unroll = std::clamp<int64_t>(known / lanes, 1, 4);
  Value size = sizes[vecDim];
  auto addPart = [&](Value from, Value to, int64_t knownTo, bool scalarToo,
                     ValueRange sums) {
    Values accs = sumAlongVectors(unroll, scalarToo, from, to, knownTo,
                                  neutralAccumulators(unroll, scalarToo));
    Values terms = addSets(unroll, accs);
    llvm::append_range(terms, ArrayRef<Value>(accs).drop_front(unroll * each));
    Values result = addTerms(sums.take_front(each),
                             ArrayRef<Value>(terms).take_front(each));
    if (scalarToo)
      llvm::append_range(result,
                         addTerms(sums.drop_front(each),
                                  ArrayRef<Value>(terms).drop_front(each)));
    else
      llvm::append_range(result, sums.drop_front(each));
    return result;
  };
  parallelLoops(parallel, [&] {
    Values sums = neutralTotals(true);
    if (strided)
      llvm::append_range(sums, neutralTotals(false));
    sums = reductionLoops(reduced, sums, [&](Values in) {
      int64_t step = kFewTerms * unroll * lanes;
      Value end = wholeSteps(index(0), size, known, step);
      in = loop(index(0), end, index(step), in,
                [&](Value from, ValueRange inner) -> Values {
                  return addPart(from, add(from, index(step)),
                                 ShapedType::kDynamic, false, inner);
                });
      if (isStaticSize(known) && known % step == 0)
        return in;
      return addPart(end, size, known < step ? known : ShapedType::kDynamic,
                     strided, in);
    });
    for (auto [i, o] : llvm::enumerate(accumulated)) {
      Value total = combineLanes(sums[i], o);
      if (strided)
        total = addTotals(i, total, sums[each + i]);
      Lane lane;
      Value before = toTotal(i, load(*op.getDpsInitOperand(o), lane));
      storeOutput(o, fromTotal(i, addTotals(i, before, total)), lane);
    }
  });
}

//===-- Columns
//------------------------------------------------------------===//

void GenericLowering::blocksOf(Value size, Value step,
                               function_ref<void(Value, Value)> body) {
  loop(index(0), size, step, {}, [&](Value from, ValueRange) -> Values {
    body(from, b.createOrFold<arith::MinUIOp>(loc, add(from, step), size));
    return {};
  });
}

void GenericLowering::within(unsigned dim, Value from, Value to,
                             function_ref<void()> body) {
  partFrom[dim] = from;
  partTo[dim] = to;
  body();
  partFrom[dim] = partTo[dim] = Value();
}

/// A few terms at a time: some steps of the last dimension, or of the first
/// where the others are short.
void GenericLowering::inFewTerms(function_ref<void()> body) {
  unsigned first = reduced.front(), last = reduced.back();
  auto lastOnes = [&] {
    blocksOf(sizes[last], index(kFewTerms),
             [&](Value from, Value to) { within(last, from, to, body); });
  };
  if (first == last)
    return lastOnes();
  Value rest = index(1);
  for (unsigned d : ArrayRef<unsigned>(reduced).drop_front())
    rest = b.createOrFold<arith::MulIOp>(loc, rest, sizes[d]);
  Value one = index(1);
  rest = b.createOrFold<arith::MaxUIOp>(loc, rest, one);
  Value step = b.createOrFold<arith::DivUIOp>(loc, index(kFewTerms), rest);
  step = b.createOrFold<arith::MaxUIOp>(loc, step, one);
  std::function<void(Dims)> between = [&](Dims dims) {
    if (dims.empty())
      return lastOnes();
    blocksOf(sizes[dims.front()], one, [&](Value from, Value to) {
      within(dims.front(), from, to, [&] { between(dims.drop_front()); });
    });
  };
  blocksOf(sizes[first], step, [&](Value from, Value to) {
    within(first, from, to,
           [&] { between(Dims(reduced).drop_front().drop_back()); });
  });
}

/// Where the total of a column lies.
Value GenericLowering::atPart(const Lane &lane) {
  return sub(lane.offset, partStart);
}

/// One piece of the columns: totals are begun, a part is added, or they are
/// written.
void GenericLowering::longChunk(Dims all, ArrayRef<Lane> pieces, bool scalar) {
  unsigned each = accumulated.size();
  auto totalType = [&](unsigned) -> Type {
    return scalar ? Type(b.getF64Type())
                  : VectorType::get({int64_t(lanes)}, b.getF64Type());
  };
  auto loadTotal = [&](unsigned i, const Lane &lane) -> Value {
    if (scalar)
      return memref::LoadOp::create(b, loc, totals[i], atPart(lane));
    return vector::LoadOp::create(b, loc, cast<VectorType>(totalType(i)),
                                  totals[i], atPart(lane));
  };
  auto storeTotal = [&](unsigned i, const Lane &lane, Value value) {
    if (scalar)
      memref::StoreOp::create(b, loc, value, totals[i], atPart(lane));
    else
      vector::StoreOp::create(b, loc, value, totals[i], atPart(lane));
  };
  Values accs, none = neutralTerms(!scalar), zero = neutralTotals(!scalar);
  if (part == Part::Add) {
    for (const Lane &lane : pieces)
      for (auto [i, o] : llvm::enumerate(accumulated)) {
        Value start =
            isLong[i] ? none[i] : load(*op.getDpsInitOperand(o), lane);
        accs.push_back(scalar ? start : widen(start));
      }
    accs = reductionLoops(all, accs, [&](Values in) {
      Values next;
      for (auto [u, lane] : llvm::enumerate(pieces))
        for (Value v :
             computeBody(lane, ArrayRef<Value>(in).slice(u * each, each)))
          next.push_back(scalar ? v : widen(v));
      return next;
    });
  }
  for (auto [u, lane] : llvm::enumerate(pieces))
    for (auto [i, o] : llvm::enumerate(accumulated)) {
      if (part == Part::Start && isLong[i])
        storeTotal(i, lane, zero[i]);
      if (part == Part::Add && isLong[i])
        storeTotal(
            i, lane,
            addTotals(i, loadTotal(i, lane), toTotal(i, accs[u * each + i])));
      if (part == Part::Add && !isLong[i])
        storeOutput(o, accs[u * each + i], lane);
      if (part == Part::Finish && isLong[i]) {
        Value before = toTotal(i, load(*op.getDpsInitOperand(o), lane));
        storeOutput(o, fromTotal(i, addTotals(i, before, loadTotal(i, lane))),
                    lane);
      }
    }
}

void GenericLowering::sumColumns(Value from, Value to, int64_t known) {
  partStart = from;
  part = Part::Start;
  vectorRange(from, to, known);
  part = Part::Add;
  inFewTerms([&] { vectorRange(from, to, known); });
  part = Part::Finish;
  vectorRange(from, to, known);
}

/// The vector dimension is parallel: the totals of some columns at a time.
void GenericLowering::longAcrossVectors() {
  int64_t known = staticSizes[vecDim];
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(
        &op->getParentOfType<func::FuncOp>().getBody().front());
    auto type = MemRefType::get({kTotalColumns}, b.getF64Type());
    for (bool isSum : isLong)
      totals.push_back(isSum ? memref::AllocaOp::create(b, loc, type)
                             : Value());
  }
  auto columns = [&](bool independent) {
    bool whole = isStaticSize(known) && known <= kTotalColumns;
    blocks(sizes[vecDim], known, kTotalColumns, independent,
           [&](Value from, Value to) {
             sumColumns(from, to, whole ? known : ShapedType::kDynamic);
           });
  };
  if (parallel.empty())
    return columns(/*independent=*/true);
  parallelLoops(parallel, [&] { columns(/*independent=*/false); });
}

} // namespace rnnc
