// Views.cpp: buffers, and how an iteration reads a tensor.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Views.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;

namespace rnnc {

View identityView(int64_t rank) {
  View view(rank);
  for (int64_t i = 0; i < rank; ++i)
    view[i].iter = i;
  return view;
}

Buffer wholeBuffer(Value memref) {
  int64_t rank = cast<MemRefType>(memref.getType()).getRank();
  return {memref, SmallVector<bool>(rank > 0 ? rank - 1 : 0, true)};
}

SmallVector<OpFoldResult> sizesOf(OpBuilder &b, Location loc,
                                  const Buffer &buffer) {
  SmallVector<OpFoldResult> sizes;
  for (int64_t i = 0; i < buffer.rank(); ++i)
    sizes.push_back(memref::getMixedSize(b, loc, buffer.memref, i));
  return sizes;
}

/// Whether dimension `dim` of a part of `buffer` covers all of it.
static bool isFull(const Buffer &buffer, int64_t dim, OpFoldResult offset,
                   OpFoldResult size, OpFoldResult stride) {
  if (!isConstantIntValue(stride, 1) || !isConstantIntValue(offset, 0))
    return false;
  int64_t whole = buffer.type().getDimSize(dim);
  if (!ShapedType::isDynamic(whole))
    return isConstantIntValue(size, whole);
  // A dynamic dimension is never cut but along time (dimension 0), and cutting
  // dimension 0 does not change how rows follow each other.
  return dim != 0;
}

/// Which dimensions of size 1 vanish the op says by its type alone: of several
/// the strides tell, where they are numbers, else the first are taken. Whether
/// what is left has the sizes that are meant.
static bool dropsSame(memref::SubViewOp view, ArrayRef<bool> dropped) {
  llvm::SmallBitVector said = view.getDroppedDims();
  SmallVector<OpFoldResult> sizes = view.getMixedSizes();
  SmallVector<int64_t> kept, meant;
  for (auto [i, size] : llvm::enumerate(sizes)) {
    int64_t n = getConstantIntValue(size).value_or(ShapedType::kDynamic);
    if (!said.test(i))
      kept.push_back(n);
    if (!dropped[i])
      meant.push_back(n);
  }
  return kept == meant;
}

/// The part with all dimensions, of which those that vanish then join one that
/// stays.
static Value dropAlone(OpBuilder &b, Location loc, Value memref,
                       ArrayRef<OpFoldResult> offsets,
                       ArrayRef<OpFoldResult> sizes,
                       ArrayRef<OpFoldResult> strides, ArrayRef<bool> dropped) {
  Value whole =
      memref::SubViewOp::create(b, loc, memref, offsets, sizes, strides);
  SmallVector<ReassociationIndices> groups(1);
  for (auto [i, drop] : llvm::enumerate(dropped)) {
    groups.back().push_back(int64_t(i));
    if (!drop)
      groups.emplace_back();
  }
  ReassociationIndices last = groups.pop_back_val();
  llvm::append_range(groups.back(), last);
  return memref::CollapseShapeOp::create(b, loc, whole, groups);
}

Buffer subBuffer(OpBuilder &b, Location loc, const Buffer &buffer,
                 ArrayRef<OpFoldResult> offsets, ArrayRef<OpFoldResult> sizes,
                 ArrayRef<OpFoldResult> strides, ArrayRef<bool> dropped) {
  int64_t rank = buffer.rank();
  SmallVector<int64_t> shape;
  SmallVector<bool> merge;
  // Whether the last kept dimension and the next one can merge.
  bool chain = true, any = false;
  for (int64_t i = 0; i < rank; ++i) {
    bool full = isFull(buffer, i, offsets[i], sizes[i], strides[i]);
    if (i > 0)
      chain = chain && buffer.merge[i - 1];
    if (dropped[i]) {
      chain = chain && full;
      continue;
    }
    if (any)
      merge.push_back(chain && full);
    any = true;
    chain = isConstantIntValue(strides[i], 1);
    shape.push_back(
        getConstantIntValue(sizes[i]).value_or(ShapedType::kDynamic));
  }
  MemRefType type = memref::SubViewOp::inferRankReducedResultType(
      shape, buffer.type(), offsets, sizes, strides);
  bool all = type == buffer.type() && !llvm::is_contained(dropped, true);
  for (int64_t i = 0; all && i < rank; ++i)
    all = isFull(buffer, i, offsets[i], sizes[i], strides[i]);
  if (all)
    return buffer;
  auto view = memref::SubViewOp::create(b, loc, type, buffer.memref, offsets,
                                        sizes, strides);
  if (dropsSame(view, dropped))
    return {view, merge};
  view.erase();
  return {dropAlone(b, loc, buffer.memref, offsets, sizes, strides, dropped),
          merge};
}

static Buffer rows(OpBuilder &b, Location loc, const Buffer &buffer,
                   OpFoldResult first, OpFoldResult count, bool drop) {
  int64_t rank = buffer.rank();
  SmallVector<OpFoldResult> offsets(rank, b.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(rank, b.getIndexAttr(1));
  SmallVector<OpFoldResult> sizes = sizesOf(b, loc, buffer);
  SmallVector<bool> dropped(rank, false);
  offsets[0] = first;
  sizes[0] = count;
  dropped[0] = drop;
  return subBuffer(b, loc, buffer, offsets, sizes, strides, dropped);
}

Buffer rowOf(OpBuilder &b, Location loc, const Buffer &buffer,
             OpFoldResult index) {
  return rows(b, loc, buffer, index, b.getIndexAttr(1), true);
}

Buffer rowsOf(OpBuilder &b, Location loc, const Buffer &buffer,
              OpFoldResult first, OpFoldResult count) {
  return rows(b, loc, buffer, first, count, false);
}

/// Whether the dimensions of a group lie as one would: they follow one another,
/// or all but one are of size 1.
static bool isOne(const Buffer &buffer, ArrayRef<int64_t> group) {
  auto follows = [&](int64_t i) { return buffer.merge[i]; };
  auto isLong = [&](int64_t i) { return buffer.type().getDimSize(i) != 1; };
  return llvm::all_of(group.drop_back(), follows) ||
         llvm::count_if(group, isLong) <= 1;
}

/// Whether what stands behind a group follows what the group becomes: that has
/// the stride of the last dimension of it that is not of size 1.
static bool isFollowed(const Buffer &buffer, ArrayRef<int64_t> group) {
  for (int64_t i : llvm::reverse(group)) {
    if (!buffer.merge[i])
      return false;
    if (buffer.type().getDimSize(i) != 1)
      return true;
  }
  return true;
}

Buffer collapse(OpBuilder &b, Location loc, const Buffer &buffer,
                ArrayRef<ReassociationIndices> groups) {
  SmallVector<bool> merge;
  bool trivial = true;
  for (const ReassociationIndices &group : groups) {
    trivial &= group.size() == 1;
    if (!isOne(buffer, group))
      return {};
    if (group.back() + 1 < buffer.rank())
      merge.push_back(isFollowed(buffer, group));
  }
  if (trivial)
    return buffer;
  return {memref::CollapseShapeOp::create(b, loc, buffer.memref, groups),
          merge};
}

bool canExpand(ArrayRef<int64_t> shape, ArrayRef<ReassociationIndices> groups) {
  return llvm::all_of(groups, [&](const ReassociationIndices &group) {
    return llvm::count_if(group, [&](int64_t i) {
             return ShapedType::isDynamic(shape[i]);
           }) <= 1;
  });
}

Buffer expand(OpBuilder &b, Location loc, const Buffer &buffer,
              ArrayRef<ReassociationIndices> groups,
              ArrayRef<OpFoldResult> sizes) {
  SmallVector<int64_t> shape;
  SmallVector<bool> merge;
  for (auto [dim, group] : llvm::enumerate(groups)) {
    for (int64_t i : group) {
      shape.push_back(
          getConstantIntValue(sizes[i]).value_or(ShapedType::kDynamic));
      merge.push_back(i != group.back() ||
                      (dim + 1 < groups.size() && buffer.merge[dim]));
    }
  }
  FailureOr<MemRefType> type =
      memref::ExpandShapeOp::computeExpandedType(buffer.type(), shape, groups);
  if (failed(type) || !canExpand(shape, groups))
    return {};
  merge.pop_back();
  return {memref::ExpandShapeOp::create(b, loc, *type, buffer.memref, groups,
                                        sizes),
          merge};
}

Buffer stepsOf(OpBuilder &b, Location loc, const Buffer &buffer, int64_t dim,
               OpFoldResult first, OpFoldResult count, bool drop) {
  int64_t rank = buffer.rank();
  SmallVector<OpFoldResult> offsets(rank, b.getIndexAttr(0)),
      strides(rank, b.getIndexAttr(1)), extents = sizesOf(b, loc, buffer);
  SmallVector<bool> dropped(rank, false);
  offsets[dim] = first;
  extents[dim] = count;
  dropped[dim] = drop;
  return subBuffer(b, loc, buffer, offsets, extents, strides, dropped);
}

} // namespace rnnc
