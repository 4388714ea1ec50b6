// GenericLoops.cpp: the loops that nests of a linalg.generic are made of.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "GenericLowering.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;

namespace rnnc {

/// A loop; one of a single trip is its body. The trips of an independent one
/// may run in any order, or at once.
GenericLowering::Values
GenericLowering::loop(Value lb, Value ub, Value step, ValueRange init,
                      function_ref<Values(Value, ValueRange)> body,
                      bool independent) {
  auto bound = [](Value v) { return getConstantIntValue(v); };
  if (bound(lb) && bound(ub) && bound(step)) {
    int64_t span = *bound(ub) - *bound(lb);
    if (span <= 0)
      return Values(init);
    if (span <= *bound(step))
      return body(lb, init);
  }
  scf::ForOp loop = buildLoop(b, loc, lb, ub, step, init, body);
  if (independent)
    loop->setAttr(kIndependentTrips, b.getUnitAttr());
  return Values(loop.getResults());
}

void GenericLowering::parallelLoops(Dims dims, function_ref<void()> body,
                                    bool outermost) {
  if (dims.empty())
    return body();
  unsigned d = dims.front();
  loop(
      index(0), sizes[d], index(1), {},
      [&](Value iv, ValueRange) -> Values {
        ivs[d] = iv;
        parallelLoops(dims.drop_front(), body, /*outermost=*/false);
        return {};
      },
      outermost);
}

GenericLowering::Values
GenericLowering::reductionLoops(Dims dims, Values accs,
                                function_ref<Values(Values)> body) {
  if (dims.empty())
    return body(accs);
  unsigned d = dims.front();
  return loop(partTo[d] ? partFrom[d] : index(0),
              partTo[d] ? partTo[d] : sizes[d], index(1), accs,
              [&](Value iv, ValueRange inner) -> Values {
                ivs[d] = iv;
                return reductionLoops(dims.drop_front(), Values(inner), body);
              });
}

/// Cuts [0, size) into blocks of `step`.
void GenericLowering::blocks(Value size, int64_t known, int64_t step,
                             bool independent,
                             function_ref<void(Value, Value)> body) {
  if (isStaticSize(known) && known <= step)
    return body(index(0), size);
  loop(
      index(0), size, index(step), {},
      [&](Value from, ValueRange) -> Values {
        Value to = add(from, index(step));
        if (!isStaticSize(known) || known % step != 0)
          to = arith::MinUIOp::create(b, loc, to, size);
        body(from, to);
        return {};
      },
      independent);
}

/// Where the last whole step of [start, size) ends.
Value GenericLowering::wholeSteps(Value start, Value size, int64_t known,
                                  int64_t step) {
  if (isStaticSize(known))
    return index(known / step * step);
  Value rest =
      b.createOrFold<arith::RemUIOp>(loc, sub(size, start), index(step));
  return sub(size, rest);
}

/// Plain loops, output elements updated in memory: the form that always works.
void GenericLowering::allScalar() {
  SmallVector<unsigned> dims(parallel);
  dims.append(reduced);
  if (vecDim >= 0)
    dims.push_back(vecDim);
  vecDim = -1;
  Lane lane;
  if (!mixed) {
    SmallVector<unsigned> outer(dims);
    llvm::erase_if(outer,
                   [&](unsigned d) { return llvm::is_contained(reduced, d); });
    parallelLoops(outer, [&] {
      Values accs =
          reductionLoops(reduced, loadOutputs(lane, accumulated),
                         [&](Values in) { return computeBody(lane, in); });
      for (auto [o, v] : llvm::zip(accumulated, accs))
        storeOutput(o, v, lane);
    });
    return;
  }
  auto body = [&] {
    Values next = computeBody(lane, loadOutputs(lane, accumulated));
    for (auto [o, v] : llvm::zip(accumulated, next))
      storeOutput(o, v, lane);
  };
  parallelLoops(dims, body, /*outermost=*/false);
}

LogicalResult GenericLowering::run() {
  for (AffineMap map : op.getIndexingMapsArray())
    if (!map.isProjectedPermutation(/*allowZeroInResults=*/true))
      return op.emitOpError("has a map that is no projected permutation");
  findSizes();
  findReductions();
  if (!mixed)
    chooseVectorDim();
  if (vecDim >= 0 && vecReduced && !combinersKnown()) {
    reduced.push_back(vecDim);
    llvm::sort(reduced);
    vecDim = -1;
  }
  findLongSums();
  if (!isLong.empty())
    vecDim < 0   ? longScalar()
    : vecReduced ? longAlongVectors()
                 : longAcrossVectors();
  else if (vecDim < 0)
    allScalar();
  else if (vecReduced)
    vectorReduced();
  else
    vectorParallel();
  op.erase();
  return success();
}

} // namespace rnnc
