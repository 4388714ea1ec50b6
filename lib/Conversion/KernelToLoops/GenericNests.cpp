// GenericNests.cpp: the vector loops of a linalg.generic.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "GenericLowering.h"

using namespace mlir;

namespace rnnc {

/// One piece of the vector dimension: `count` vectors side by side (or one
/// scalar), with all reduced dimensions inside.
void GenericLowering::vectorChunk(Value base, unsigned count, Value mask,
                                  bool scalar) {
  SmallVector<Lane> pieces;
  for (unsigned u = 0; u != count; ++u) {
    Lane lane;
    lane.offset = u ? add(base, index(u * lanes)) : base;
    lane.mask = mask;
    lane.vector = !scalar;
    pieces.push_back(lane);
  }
  if (!isLong.empty())
    return longChunk(reduced, pieces, scalar);
  Values accs;
  for (const Lane &lane : pieces)
    for (Value v : loadOutputs(lane, accumulated))
      accs.push_back(scalar ? v : widen(v));
  unsigned each = accumulated.size();
  accs = reductionLoops(reduced, accs, [&](Values in) {
    Values next;
    for (auto [u, lane] : llvm::enumerate(pieces))
      for (Value v :
           computeBody(lane, ArrayRef<Value>(in).slice(u * each, each)))
        next.push_back(scalar ? v : widen(v));
    return next;
  });
  for (auto [u, lane] : llvm::enumerate(pieces))
    for (auto [i, o] : llvm::enumerate(accumulated))
      storeOutput(o, accs[u * each + i], lane);
}

/// The elements [start, size) of the vector dimension. `known` is `size` where
/// that is a constant and `start` is 0.
void GenericLowering::vectorRange(Value start, Value size, int64_t known) {
  SmallVector<unsigned> counts;
  if (!reduced.empty())
    counts.push_back(accumulated.size() == 1 ? 8 : 4);
  counts.push_back(1);
  for (unsigned count : counts) {
    int64_t step = int64_t(count) * lanes;
    Value end = wholeSteps(start, size, known, step);
    loop(start, end, index(step), {}, [&](Value iv, ValueRange) -> Values {
      vectorChunk(iv, count, Value(), /*scalar=*/false);
      return {};
    });
    start = end;
  }
  if (hasStridedOperand()) {
    loop(start, size, index(1), {}, [&](Value iv, ValueRange) -> Values {
      vectorChunk(iv, 1, Value(), /*scalar=*/true);
      return {};
    });
    return;
  }
  if (isStaticSize(known) && known % lanes == 0)
    return;
  loop(start, size, index(lanes), {}, [&](Value iv, ValueRange) -> Values {
    Value mask = laneMask(b, loc, lanes, sub(size, iv));
    vectorChunk(iv, 1, mask, /*scalar=*/false);
    return {};
  });
}

/// A few rows at a time, in order: the sums are the same to the bit.
void GenericLowering::reducedInBlocks(function_ref<void()> body) {
  if (reduced.empty())
    return body();
  unsigned d = reduced.front();
  blocks(sizes[d], staticSizes[d], schedule.get(kernel::Decision::RowBlock),
         /*independent=*/false,
         [&](Value from, Value to) { within(d, from, to, body); });
}

/// The vector dimension is parallel. Where it is the only one, it is cut into
/// blocks that may become tasks.
void GenericLowering::vectorParallel() {
  int64_t known = staticSizes[vecDim];
  if (!parallel.empty()) {
    parallelLoops(parallel, [&] {
      reducedInBlocks([&] { vectorRange(index(0), sizes[vecDim], known); });
    });
    return;
  }
  int64_t step = schedule.get(reduced.empty() ? kernel::Decision::ElementBlock
                                              : kernel::Decision::ColumnBlock);
  bool whole = isStaticSize(known) && known <= step;
  blocks(sizes[vecDim], known, step, /*independent=*/true,
         [&](Value from, Value to) {
           reducedInBlocks([&] {
             vectorRange(from, to, whole ? known : ShapedType::kDynamic);
           });
         });
}

/// The accumulators of vectorReduced: `unroll` vectors for each output, then
/// one scalar each for the tail of strided operands.
GenericLowering::Values GenericLowering::neutralAccumulators(unsigned unroll,
                                                             bool scalarToo) {
  Values accs;
  auto elementOf = [&](unsigned o) {
    return getElementTypeOrSelf(op.getDpsInits()[o].getType());
  };
  for (unsigned u = 0; u != unroll; ++u)
    for (unsigned o : accumulated)
      accs.push_back(
          neutral(o, VectorType::get({int64_t(lanes)}, elementOf(o))));
  if (scalarToo)
    for (unsigned o : accumulated)
      accs.push_back(neutral(o, elementOf(o)));
  return accs;
}

/// Runs through [start, size) of the vector dimension once. `known` is `size`
/// where that is a constant and `start` is 0.
GenericLowering::Values
GenericLowering::sumAlongVectors(unsigned unroll, bool strided, Value start,
                                 Value size, int64_t known, Values accs) {
  unsigned each = accumulated.size();
  SmallVector<unsigned> counts = {unroll};
  if (unroll != 1)
    counts.push_back(1);
  for (unsigned count : counts) {
    int64_t step = int64_t(count) * lanes;
    Value end = wholeSteps(start, size, known, step);
    accs = loop(start, end, index(step), accs,
                [&](Value iv, ValueRange inner) -> Values {
                  Values next(inner);
                  for (unsigned u = 0; u != count; ++u) {
                    Lane lane;
                    lane.vector = true;
                    lane.offset = u ? add(iv, index(u * lanes)) : iv;
                    Values got = computeBody(lane, inner.slice(u * each, each));
                    for (auto [i, v] : llvm::enumerate(got))
                      next[u * each + i] = widen(v);
                  }
                  return next;
                });
    start = end;
  }
  if (strided)
    return loop(start, size, index(1), accs,
                [&](Value iv, ValueRange inner) -> Values {
                  Values next(inner);
                  Lane lane;
                  lane.offset = iv;
                  Values got = computeBody(lane, inner.take_back(each));
                  std::copy(got.begin(), got.end(), next.end() - each);
                  return next;
                });
  if (isStaticSize(known) && known % lanes == 0)
    return accs;
  return loop(start, size, index(lanes), accs,
              [&](Value iv, ValueRange inner) -> Values {
                Values next(inner);
                Lane lane;
                lane.vector = true;
                lane.offset = iv;
                lane.mask = laneMask(b, loc, lanes, sub(size, iv));
                Values got = computeBody(lane, inner.take_front(each));
                for (auto [i, v] : llvm::enumerate(got))
                  next[i] = arith::SelectOp::create(b, loc, lane.mask, widen(v),
                                                    inner[i]);
                return next;
              });
}

/// The sets of accumulators as a tree.
GenericLowering::Values GenericLowering::addSets(unsigned unroll, Values accs) {
  unsigned each = accumulated.size();
  Values result;
  for (auto [i, o] : llvm::enumerate(accumulated)) {
    Values level;
    for (unsigned u = 0; u != unroll; ++u)
      level.push_back(accs[u * each + i]);
    while (level.size() > 1) {
      Values up;
      for (unsigned k = 0; k + 1 < level.size(); k += 2)
        up.push_back(combine(o, level[k], level[k + 1]));
      if (level.size() % 2)
        up.push_back(level.back());
      level = up;
    }
    result.push_back(level.front());
  }
  return result;
}

/// The accumulators as a tree, then the lanes, then what was there before.
void GenericLowering::storeTotals(unsigned unroll, bool strided, Values accs) {
  unsigned each = accumulated.size();
  Values vectors = addSets(unroll, accs);
  for (auto [i, o] : llvm::enumerate(accumulated)) {
    Value total = combineLanes(vectors[i], o);
    if (strided)
      total = combine(o, total, accs[unroll * each + i]);
    Lane lane;
    Value before = load(*op.getDpsInitOperand(o), lane);
    storeOutput(o, combine(o, before, total), lane);
  }
}

/// The vector dimension is reduced: several accumulators, then the tree.
void GenericLowering::vectorReduced() {
  bool strided = hasStridedOperand();
  unsigned unroll = 4;
  int64_t known = staticSizes[vecDim];
  if (isStaticSize(known))
    unroll = std::clamp<int64_t>(known / lanes, 1, 4);
  parallelLoops(parallel, [&] {
    Values accs = reductionLoops(
        reduced, neutralAccumulators(unroll, strided), [&](Values in) {
          return sumAlongVectors(unroll, strided, index(0), sizes[vecDim],
                                 known, std::move(in));
        });
    storeTotals(unroll, strided, std::move(accs));
  });
}

} // namespace rnnc
