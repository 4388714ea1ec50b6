// GenericPlan.cpp: sizes, reductions, and the dimension of the vectors.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "GenericLowering.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;

namespace rnnc {

void GenericLowering::findSizes() {
  unsigned n = op.getNumLoops();
  sizes.assign(n, Value());
  ivs.assign(n, Value());
  partFrom.assign(n, Value());
  partTo.assign(n, Value());
  staticSizes.assign(n, ShapedType::kDynamic);
  for (OpOperand &operand : op->getOpOperands()) {
    AffineMap map = op.getMatchingIndexingMap(&operand);
    auto type = cast<MemRefType>(operand.get().getType());
    for (auto [i, expr] : llvm::enumerate(map.getResults()))
      if (auto dim = dyn_cast<AffineDimExpr>(expr)) {
        unsigned d = dim.getPosition();
        if (isStaticSize(type.getDimSize(i)))
          staticSizes[d] = type.getDimSize(i);
        if (!sizes[d] || isStaticSize(type.getDimSize(i)))
          sizes[d] =
              b.createOrFold<memref::DimOp>(loc, operand.get(), int64_t(i));
      }
  }
  for (unsigned d = 0; d != n; ++d)
    if (isStaticSize(staticSizes[d]))
      sizes[d] = index(staticSizes[d]);
}

/// Which outputs accumulate, and over what: read off the maps, so that one op
/// may also store elementwise results on the way of a reduction.
void GenericLowering::findReductions() {
  llvm::SmallBitVector reducedDims(op.getNumLoops());
  std::optional<llvm::SmallBitVector> first;
  for (unsigned o = 0; o != op.getNumDpsInits(); ++o) {
    AffineMap map = op.getMatchingIndexingMap(op.getDpsInitOperand(o));
    llvm::SmallBitVector absent(op.getNumLoops(), true);
    for (AffineExpr e : map.getResults())
      if (auto dim = dyn_cast<AffineDimExpr>(e))
        absent.reset(dim.getPosition());
    if (absent.none())
      continue;
    accumulated.push_back(o);
    if (first && *first != absent)
      mixed = true;
    first = absent;
    reducedDims |= absent;
  }
  for (unsigned d = 0; d != op.getNumLoops(); ++d)
    (reducedDims.test(d) ? reduced : parallel).push_back(d);
}

/// How much is gained by vectors along `dim`: contiguous operands count for it,
/// strided ones against it. What has more of the dimensions is read more
/// often, and counts more: a score per batch and position that is summed along
/// the positions outweighs the lengths and the sums, which have the batch only.
int GenericLowering::scoreOf(unsigned dim) {
  if (staticSizes[dim] == 1)
    return -100;
  int score = 0;
  for (OpOperand &operand : op->getOpOperands()) {
    AffineMap map = op.getMatchingIndexingMap(&operand);
    auto type = cast<MemRefType>(operand.get().getType());
    SmallVector<int64_t> strides;
    int64_t offset;
    if (failed(type.getStridesAndOffset(strides, offset)))
      return -100;
    bool isOut = op.isDpsInit(&operand);
    int often = 1 << 2 * std::min(map.getNumResults(), 8u);
    for (auto [i, e] : llvm::enumerate(map.getResults()))
      if (auto d = dyn_cast<AffineDimExpr>(e); d && d.getPosition() == dim) {
        bool unit = i + 1 == map.getNumResults() && strides[i] == 1;
        score += often * (unit ? (isOut ? 3 : 2) : (isOut ? -3 : -2));
      }
  }
  return score;
}

void GenericLowering::chooseVectorDim() {
  int best = 0;
  for (unsigned d = 0; d != op.getNumLoops(); ++d) {
    int score = scoreOf(d);
    if (score > 0 && score >= best) {
      best = score;
      vecDim = d;
    }
  }
  if (vecDim < 0)
    return;
  unsigned width = 0;
  for (OpOperand &operand : op->getOpOperands()) {
    Type e = cast<MemRefType>(operand.get().getType()).getElementType();
    if (!e.isIntOrFloat())
      vecDim = -1;
    else if (accessOf(operand) == Access::Contiguous)
      width = std::max(width, e.getIntOrFloatBitWidth());
  }
  // Wide accumulators beside narrow data keep the lanes of the data.
  for (OpOperand *in : op.getDpsInputOperands()) {
    Type e = cast<MemRefType>(in->get().getType()).getElementType();
    if (e.isF32() && accessOf(*in) == Access::Contiguous)
      width = 32;
  }
  if (vecDim < 0 || width == 0)
    vecDim = -1;
  else
    lanes = std::max(1u, target.getVectorBits() / std::max(8u, width));
  if (lanes == 1)
    vecDim = -1;
  if (vecDim >= 0) {
    vecReduced = llvm::is_contained(reduced, unsigned(vecDim));
    auto isVec = [&](unsigned d) { return int(d) == vecDim; };
    llvm::erase_if(parallel, isVec);
    llvm::erase_if(reduced, isVec);
  }
}

GenericLowering::Access GenericLowering::accessOf(OpOperand &operand) {
  AffineMap map = op.getMatchingIndexingMap(&operand);
  auto type = cast<MemRefType>(operand.get().getType());
  for (auto [i, e] : llvm::enumerate(map.getResults())) {
    auto d = dyn_cast<AffineDimExpr>(e);
    if (!d || int(d.getPosition()) != vecDim)
      continue;
    SmallVector<int64_t> strides;
    int64_t offset;
    bool unit = i + 1 == map.getNumResults() &&
                succeeded(type.getStridesAndOffset(strides, offset)) &&
                strides[i] == 1;
    // Bits are stored a byte each, which a vector load would not know.
    return unit && !type.getElementType().isInteger(1) ? Access::Contiguous
                                                       : Access::Strided;
  }
  return Access::Invariant;
}

bool GenericLowering::hasStridedOperand() {
  return llvm::any_of(op->getOpOperands(), [&](OpOperand &operand) {
    return accessOf(operand) == Access::Strided;
  });
}

} // namespace rnnc
