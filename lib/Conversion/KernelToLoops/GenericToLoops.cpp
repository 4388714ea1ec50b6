// GenericToLoops.cpp: linalg.generic on memrefs as vector loops.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "GenericLowering.h"

#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;

namespace rnnc {
namespace {

/// Adjacent dimensions that lie contiguously in every operand.
SmallVector<ReassociationIndices> collapsibleDims(linalg::GenericOp op) {
  unsigned n = op.getNumLoops();
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  SmallVector<utils::IteratorType> kinds = op.getIteratorTypesArray();
  auto contiguous = [&](unsigned d) {
    for (auto [map, operand] : llvm::zip(maps, op->getOperands())) {
      auto type = cast<MemRefType>(operand.getType());
      SmallVector<int64_t> strides;
      int64_t offset;
      if (failed(type.getStridesAndOffset(strides, offset)))
        return false;
      std::optional<unsigned> p, q;
      for (auto [i, e] : llvm::enumerate(map.getResults()))
        if (auto dim = dyn_cast<AffineDimExpr>(e)) {
          if (dim.getPosition() == d)
            p = i;
          if (dim.getPosition() == d + 1)
            q = i;
        } else {
          return false;
        }
      if (!p && !q)
        continue;
      if (!p || !q || *q != *p + 1)
        return false;
      if (!joinsDims(type, reassociationFor(type.getRank(), *p)))
        return false;
    }
    return true;
  };
  SmallVector<ReassociationIndices> groups;
  for (unsigned d = 0; d != n; ++d) {
    if (d && kinds[d - 1] == kinds[d] && contiguous(d - 1))
      groups.back().push_back(d);
    else
      groups.push_back({int64_t(d)});
  }
  return groups;
}

/// Scalar inputs become values captured by the region.
linalg::GenericOp withoutScalarInputs(linalg::GenericOp op) {
  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps;
  SmallVector<unsigned> scalars;
  for (OpOperand *in : op.getDpsInputOperands()) {
    if (!isa<ShapedType>(in->get().getType())) {
      scalars.push_back(in->getOperandNumber());
      continue;
    }
    inputs.push_back(in->get());
    maps.push_back(op.getMatchingIndexingMap(in));
  }
  if (scalars.empty())
    return op;
  for (OpOperand &out : op.getDpsInitsMutable())
    maps.push_back(op.getMatchingIndexingMap(&out));
  OpBuilder b(op);
  auto result =
      linalg::GenericOp::create(b, op.getLoc(), inputs, op.getDpsInits(), maps,
                                op.getIteratorTypesArray());
  Block *body = op.getBody();
  for (unsigned i : llvm::reverse(scalars)) {
    body->getArgument(i).replaceAllUsesWith(op->getOperand(i));
    body->eraseArgument(i);
  }
  result.getRegion().takeBody(op.getRegion());
  op.erase();
  return result;
}

} // namespace

bool joinsDims(MemRefType type, ArrayRef<ReassociationIndices> groups) {
  if (!memref::CollapseShapeOp::isGuaranteedCollapsible(type, groups))
    return false;
  MemRefType joined =
      memref::CollapseShapeOp::computeCollapsedType(type, groups);
  SmallVector<int64_t> before, after;
  int64_t offset;
  return failed(type.getStridesAndOffset(before, offset)) ||
         failed(joined.getStridesAndOffset(after, offset)) ||
         before.back() == after.back();
}

SmallVector<ReassociationIndices> reassociationFor(unsigned rank,
                                                   unsigned first) {
  SmallVector<ReassociationIndices> groups;
  for (unsigned i = 0; i != rank; ++i) {
    if (i == first + 1)
      groups.back().push_back(i);
    else
      groups.push_back({int64_t(i)});
  }
  return groups;
}

LogicalResult lowerGenericToLoops(linalg::GenericOp op,
                                  kernel::TargetAttr target) {
  if (!op.hasPureBufferSemantics())
    return op.emitOpError("has tensors where buffers are expected");
  op = withoutScalarInputs(op);
  bool usesIndex = !op.getBody()->getOps<linalg::IndexOp>().empty();
  SmallVector<ReassociationIndices> groups = collapsibleDims(op);
  if (!usesIndex && groups.size() < op.getNumLoops()) {
    IRRewriter rewriter(op);
    rewriter.setInsertionPoint(op);
    auto collapsed = linalg::collapseOpIterationDims(op, groups, rewriter);
    if (succeeded(collapsed)) {
      auto inner = cast<linalg::GenericOp>(collapsed->collapsedOp);
      op.erase();
      op = inner;
    }
  }
  return GenericLowering(op, target).run();
}

} // namespace rnnc
