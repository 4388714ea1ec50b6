// HeldLoop.cpp: which time loops can keep their states in registers.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "HeldLoop.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;

namespace rnnc {

void MovingIndex::add(const MovingIndex &other, int64_t times) {
  constant += times * other.constant;
  for (auto [value, factor] : other.terms)
    terms[value] += times * factor;
  terms.remove_if([](const auto &term) { return term.second == 0; });
}

MovingIndex MovingIndex::later(Value step, int64_t steps) const {
  MovingIndex result = *this;
  auto found = terms.find(step);
  if (found != terms.end())
    result.constant += steps * found->second;
  return result;
}

bool MovingIndex::operator==(const MovingIndex &other) const {
  int64_t apart = constant - other.constant;
  if (modulus != other.modulus || terms.size() != other.terms.size() ||
      (modulus ? apart % modulus : apart) != 0)
    return false;
  return llvm::all_of(terms, [&](const auto &term) {
    auto found = other.terms.find(term.first);
    return found != other.terms.end() && found->second == term.second;
  });
}

bool HeldLoop::isOutside(Value value) const {
  return !loop->isAncestor(value.getParentBlock()->getParentOp());
}

std::optional<MovingIndex> HeldLoop::indexOf(Value value) {
  MovingIndex result;
  if (auto known = getConstantIntValue(value)) {
    result.constant = *known;
    return result;
  }
  if (value == loop.getInductionVar() || isOutside(value)) {
    result.terms[value] = 1;
    return result;
  }
  Operation *op = value.getDefiningOp();
  if (!isa_and_nonnull<arith::AddIOp, arith::SubIOp, arith::RemUIOp>(op))
    return std::nullopt;
  auto left = indexOf(op->getOperand(0)), right = indexOf(op->getOperand(1));
  if (!left || !right || left->modulus || right->modulus)
    return std::nullopt;
  if (isa<arith::RemUIOp>(op)) {
    if (!right->terms.empty() || right->constant < 1)
      return std::nullopt;
    left->modulus = right->constant;
    return left;
  }
  left->add(*right, isa<arith::AddIOp>(op) ? 1 : -1);
  return left;
}

/// A buffer as it is, or the row of one that a step has.
std::optional<HeldLoop::Access> HeldLoop::accessOf(Value memref,
                                                   AffineMap map) {
  if (isOutside(memref))
    return Access{memref, std::nullopt, map};
  auto view = memref.getDefiningOp<memref::SubViewOp>();
  if (view && llvm::all_of(view->getOperands(),
                           [&](Value value) { return isOutside(value); }))
    return Access{memref, std::nullopt, map};
  if (!view || !isOutside(view.getSource()) || !view.hasUnitStride())
    return std::nullopt;
  auto source = cast<MemRefType>(view.getSource().getType());
  auto dropped = view.getDroppedDims();
  if (dropped.count() != 1 || !dropped.test(0) ||
      view.getType().getRank() + 1 != source.getRank())
    return std::nullopt;
  SmallVector<OpFoldResult> offsets = view.getMixedOffsets();
  for (OpFoldResult offset : ArrayRef(offsets).drop_front())
    if (getConstantIntValue(offset) != 0)
      return std::nullopt;
  std::optional<MovingIndex> index;
  if (auto value = dyn_cast<Value>(offsets.front()))
    index = indexOf(value);
  else
    index = MovingIndex{{}, *getConstantIntValue(offsets.front()), 0};
  if (!index)
    return std::nullopt;
  return Access{view.getSource(), index, map};
}

/// All operands are floats of one type, and agree on the number of units.
bool HeldLoop::takesUnits(Value memref, AffineMap map) {
  auto type = cast<MemRefType>(memref.getType());
  if (!type.isStrided() || (element && element != type.getElementType()))
    return false;
  element = type.getElementType();
  for (auto [i, result] : llvm::enumerate(map.getResults())) {
    auto dim = dyn_cast<AffineDimExpr>(result);
    if (!dim)
      return false;
    if (dim.getPosition() == 0)
      continue;
    int64_t size = type.getDimSize(i);
    auto [strides, offset] = type.getStridesAndOffset();
    if (i + 1 != map.getNumResults() || strides[i] != 1 ||
        ShapedType::isDynamic(size) ||
        (!ShapedType::isDynamic(units) && units != size))
      return false;
    units = size;
  }
  return element.isF32() || element.isF64();
}

bool HeldLoop::addGeneric(linalg::GenericOp op) {
  if (op.getNumLoops() != 2 || op.getNumParallelLoops() != 2 ||
      !op.hasPureBufferSemantics() || op->hasAttr("rnnc.accumulate_f64"))
    return false;
  // What it takes from the step itself is not written for a unit.
  auto isKnown = [&](Value operand) {
    return operand.getParentBlock() == op.getBody() || isOutside(operand);
  };
  for (Operation &inner : *op.getBody()) {
    if (!llvm::all_of(inner.getOperands(), isKnown))
      return false;
    if (!inner.hasTrait<OpTrait::IsTerminator>() &&
        (isa<linalg::IndexOp>(inner) || inner.getNumRegions() ||
         inner.getNumResults() != 1))
      return false;
  }
  Part part{op, {}, {}};
  for (OpOperand &operand : op->getOpOperands()) {
    AffineMap map = op.getMatchingIndexingMap(&operand);
    if (!isa<MemRefType>(operand.get().getType()) ||
        !map.isProjectedPermutation() || !takesUnits(operand.get(), map))
      return false;
    auto access = accessOf(operand.get(), map);
    bool isOut = op.isDpsInit(&operand);
    if (!access ||
        (isOut && (!map.isIdentity() ||
                   !op.getMatchingBlockArgument(&operand).use_empty())))
      return false;
    (isOut ? part.writes : part.reads).push_back(*access);
  }
  parts.push_back(std::move(part));
  return true;
}

bool HeldLoop::addCopy(memref::CopyOp op) {
  AffineMap rows = AffineMap::getMultiDimIdentityMap(2, op.getContext());
  Part part{op, {}, {}};
  for (Value memref : {op.getSource(), op.getTarget()}) {
    if (cast<MemRefType>(memref.getType()).getRank() != 2 ||
        !takesUnits(memref, rows))
      return false;
    auto access = accessOf(memref, rows);
    if (!access)
      return false;
    (memref == op.getTarget() ? part.writes : part.reads).push_back(*access);
  }
  if (part.writes.size() != 1 || part.reads.size() != 1)
    return false;
  parts.push_back(std::move(part));
  return true;
}

bool HeldLoop::addMask(Operation *op) {
  auto mask = dyn_cast<kernel::MaskRowsOp>(op);
  if (!mask || mask.getTimeDim() || mask.getBatchDim() != 0 || !mask.getAt() ||
      cast<MemRefType>(mask.getOut().getType()).getRank() != 2 ||
      !isOutside(mask.getLengths()) ||
      (lengths && lengths != mask.getLengths()))
    return false;
  lengths = mask.getLengths();
  auto at = indexOf(mask.getAt());
  if (!at || (maskedAt && !(*maskedAt == *at)))
    return false;
  maskedAt = at;
  AffineMap rows = AffineMap::getMultiDimIdentityMap(2, op->getContext());
  auto out = accessOf(mask.getOut(), rows);
  if (!out)
    return false;
  masks.push_back({*out, std::nullopt});
  if (!mask.getPrevious())
    return true;
  masks.back().previous = accessOf(mask.getPrevious(), rows);
  return bool(masks.back().previous);
}

/// Rows are masked from the step on at which the first example ends; before,
/// it would change nothing.
bool HeldLoop::addMasks(scf::IfOp op) {
  if (op.getNumResults() || op.elseBlock())
    return false;
  return llvm::all_of(op.thenBlock()->without_terminator(),
                      [&](Operation &inner) { return addMask(&inner); });
}

bool HeldLoop::collect(Operation &op) {
  if (auto generic = dyn_cast<linalg::GenericOp>(op))
    return masks.empty() && addGeneric(generic);
  if (auto copy = dyn_cast<memref::CopyOp>(op))
    return masks.empty() && addCopy(copy);
  if (auto branch = dyn_cast<scf::IfOp>(op))
    return addMasks(branch);
  if (isa<kernel::MaskRowsOp>(op))
    return addMask(&op);
  return isa<memref::SubViewOp>(op) ||
         (isMemoryEffectFree(&op) && op.getNumRegions() == 0);
}

/// What is read of a buffer that the loop writes was written in this step, or
/// in the one before.
bool HeldLoop::findCarries() {
  SmallVector<Access> written;
  for (const Part &part : parts)
    llvm::append_range(written, part.writes);
  for (auto [i, one] : llvm::enumerate(written))
    for (const Access &other : ArrayRef(written).drop_front(i + 1))
      if (one.buffer == other.buffer)
        return false;
  SmallVector<Access> before;
  for (const Part &part : parts) {
    for (const Access &read : part.reads) {
      auto write = llvm::find_if(written, [&](const Access &access) {
        return access.buffer == read.buffer;
      });
      if (write == written.end() || carryOf(read) ||
          llvm::any_of(before, [&](const Access &access) {
            return access.isSamePlace(read);
          }))
        continue;
      Access next = read;
      if (next.index)
        next.index = next.index->later(loop.getInductionVar(), 1);
      if (!next.isSamePlace(*write) || !read.map.isIdentity())
        return false;
      carries.push_back({read, *write});
    }
    llvm::append_range(before, part.writes);
  }
  return !carries.empty();
}

/// Where there are masks every output has one, which keeps a carry or makes
/// zero, and goes by the step.
bool HeldLoop::findPastEnds() {
  if (masks.empty())
    return true;
  MovingIndex forward, backward;
  forward.terms[loop.getInductionVar()] = 1;
  backward.terms[loop.getInductionVar()] = -1;
  if (auto trips = getConstantIntValue(loop.getUpperBound()))
    backward.constant = *trips;
  else
    backward.terms[loop.getUpperBound()] = 1;
  backward.constant -= 1;
  reversed = *maskedAt == backward;
  if (!reversed && !(*maskedAt == forward))
    return false;
  for (const Mask &mask : masks)
    if (mask.previous) {
      auto carry = carryOf(*mask.previous);
      if (!carry || !carries[*carry].write.isSamePlace(mask.out))
        return false;
    }
  for (const Part &part : parts)
    for (const Access &write : part.writes)
      if (pastEnd(write) == PastEnd::Computed)
        return false;
  return true;
}

/// What is written shares no memory with what else is used: buffers whose
/// lifetimes do not meet may, and so may parts of one.
bool HeldLoop::placesDiffer() const {
  auto rootOf = [](Value buffer) {
    while (auto view = buffer.getDefiningOp<memref::SubViewOp>())
      buffer = view.getSource();
    return buffer;
  };
  auto meet = [&](Value a, Value b) {
    Value rootA = rootOf(a), rootB = rootOf(b);
    if (rootA == rootB)
      return true;
    auto viewA = rootA.getDefiningOp<memref::ViewOp>(),
         viewB = rootB.getDefiningOp<memref::ViewOp>();
    return viewA && viewB && viewA.getSource() == viewB.getSource() &&
           viewA.getByteShift() == viewB.getByteShift();
  };
  for (const Part &part : parts)
    for (const Access &write : part.writes)
      for (const Part &other : parts)
        for (const auto &accesses : {other.reads, other.writes})
          for (const Access &access : accesses)
            if (access.buffer != write.buffer &&
                meet(access.buffer, write.buffer))
              return false;
  return true;
}

bool HeldLoop::match() {
  if (loop.getNumResults() || getConstantIntValue(loop.getLowerBound()) != 0 ||
      getConstantIntValue(loop.getStep()) != 1)
    return false;
  for (Operation &op : loop.getBody()->without_terminator())
    if (!collect(op))
      return false;
  return !parts.empty() && !ShapedType::isDynamic(units) && findCarries() &&
         findPastEnds() && placesDiffer();
}

HeldLoop::PastEnd HeldLoop::pastEnd(const Access &write) const {
  for (const Mask &mask : masks)
    if (mask.out.isSamePlace(write))
      return mask.previous ? PastEnd::Kept : PastEnd::Zero;
  return PastEnd::Computed;
}

std::optional<unsigned> HeldLoop::carryOf(const Access &access) const {
  for (auto [i, carry] : llvm::enumerate(carries))
    if (carry.read.isSamePlace(access))
      return i;
  return std::nullopt;
}

Value HeldLoop::countRows(OpBuilder &b) const {
  const Access &out = parts.front().writes.front();
  return b.createOrFold<memref::DimOp>(getLoop().getLoc(), out.buffer,
                                       out.index ? 1 : 0);
}

} // namespace rnnc
