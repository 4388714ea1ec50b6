// HeldLoop.cpp: which time loops can keep their states in registers.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "HeldLoop.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
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

bool HeldLoop::Access::has(Place::Kind kind) const {
  return llvm::any_of(places,
                      [&](const Place &place) { return place.kind == kind; });
}

bool HeldLoop::Access::moves(Value step) const {
  return llvm::any_of(places, [&](const Place &place) {
    return place.offset.terms.contains(step);
  });
}

bool HeldLoop::Access::returns() const {
  return llvm::any_of(
      places, [](const Place &place) { return place.offset.modulus != 0; });
}

HeldLoop::Access HeldLoop::Access::later(Value step, int64_t steps) const {
  Access result = *this;
  for (Place &place : result.places)
    place.offset = place.offset.later(step, steps);
  return result;
}

bool HeldLoop::Access::covers(const Access &other) const {
  if (buffer != other.buffer)
    return false;
  for (auto [mine, theirs] : llvm::zip_equal(places, other.places)) {
    if (mine == theirs)
      continue;
    MovingIndex apart = theirs.offset;
    if (mine.kind != Place::Whole || theirs.kind == Place::Row ||
        apart.modulus || mine.offset.modulus)
      return false;
    apart.add(mine.offset, -1);
    if (!apart.terms.empty() || apart.constant < 0 ||
        apart.constant + theirs.extent > mine.extent)
      return false;
  }
  return true;
}

bool HeldLoop::isOutside(Value value) const {
  return !loop->isAncestor(value.getParentBlock()->getParentOp());
}

std::optional<MovingIndex> HeldLoop::indexOf(OpFoldResult value) {
  if (auto inside = dyn_cast<Value>(value))
    return indexOf(inside);
  return MovingIndex{{}, *getConstantIntValue(value), 0};
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

/// The same places of what a view is of.
bool HeldLoop::throughView(memref::SubViewOp view, Access &access) {
  if (!view.hasUnitStride())
    return false;
  auto dropped = view.getDroppedDims();
  llvm::SmallVector<Place, 0> places;
  unsigned next = 0;
  for (auto [dim, offset] : llvm::enumerate(view.getMixedOffsets())) {
    auto from = indexOf(offset);
    if (!from)
      return false;
    Place place;
    if (!dropped.test(dim))
      place = access.places[next++];
    bool isZero = from->terms.empty() && !from->constant && !from->modulus;
    MovingIndex &inside = place.offset;
    bool wasZero = inside.terms.empty() && !inside.constant && !inside.modulus;
    if (place.kind == Place::Fixed && wasZero)
      inside = *from;
    else if (from->modulus || (inside.modulus && !isZero))
      return false;
    else
      inside.add(*from, 1);
    places.push_back(place);
  }
  access.buffer = view.getSource();
  access.places = std::move(places);
  return true;
}

/// A buffer that is there in every step.
std::optional<HeldLoop::Access> HeldLoop::throughViews(Value memref,
                                                       Access access) {
  access.buffer = memref;
  while (!isOutside(access.buffer)) {
    auto view = access.buffer.getDefiningOp<memref::SubViewOp>();
    if (!view || !throughView(view, access))
      return std::nullopt;
  }
  return access;
}

std::optional<HeldLoop::Access> HeldLoop::accessOf(Value memref,
                                                   AffineMap map) {
  Access access;
  for (AffineExpr expr : map.getResults()) {
    Place place;
    bool isUnit = cast<AffineDimExpr>(expr).getPosition() == 1;
    place.kind = isUnit ? Place::Unit : Place::Row;
    place.extent = isUnit ? units : 1;
    access.places.push_back(place);
  }
  return throughViews(memref, std::move(access));
}

/// Rows of any rank.
std::optional<HeldLoop::Access> HeldLoop::maskedBy(Value memref) {
  Access access;
  auto type = cast<MemRefType>(memref.getType());
  for (int64_t dim = 0; dim != type.getRank(); ++dim) {
    Place place;
    place.kind = dim ? Place::Whole : Place::Row;
    place.extent = dim ? type.getDimSize(dim) : 1;
    if (ShapedType::isDynamic(place.extent))
      return std::nullopt;
    access.places.push_back(place);
  }
  return throughViews(memref, std::move(access));
}

/// Operands agree on the type of floats and on the number of units.
bool HeldLoop::takesUnits(Value memref, AffineMap map) {
  auto type = cast<MemRefType>(memref.getType());
  Type inside = type.getElementType();
  if (!type.isStrided() || !inside.isIntOrFloat() || inside.isInteger(1))
    return false;
  if (isa<FloatType>(inside)) {
    if ((element && element != inside) || !(inside.isF32() || inside.isF64()))
      return false;
    element = inside;
  }
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
  return true;
}

/// Its body computes with elements, with what is known outside of the loop, and
/// with numbers that move with the step.
bool HeldLoop::addBody(linalg::GenericOp op, Part &part) {
  auto isKnown = [&](Value operand) {
    if (operand.getParentBlock() == op.getBody() || isOutside(operand))
      return true;
    auto number = operand.getType().isIndex() ? indexOf(operand) : std::nullopt;
    if (number)
      part.numbers[operand] = *number;
    return number.has_value();
  };
  return llvm::all_of(*op.getBody(), [&](Operation &inner) {
    return llvm::all_of(inner.getOperands(), isKnown) &&
           (inner.hasTrait<OpTrait::IsTerminator>() ||
            (!isa<linalg::IndexOp>(inner) && !inner.getNumRegions() &&
             inner.getNumResults() == 1));
  });
}

bool HeldLoop::addGeneric(linalg::GenericOp op) {
  if (op.getNumLoops() != 2 || op.getNumParallelLoops() != 2 ||
      !op.hasPureBufferSemantics() || op->hasAttr("rnnc.accumulate_f64"))
    return false;
  Part part{op, {}, {}, {}};
  if (!addBody(op, part))
    return false;
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
  Part part{op, {}, {}, {}};
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
      !isOutside(mask.getLengths()) ||
      (lengths && lengths != mask.getLengths()))
    return false;
  lengths = mask.getLengths();
  auto at = indexOf(mask.getAt());
  if (!at || (maskedAt && !(*maskedAt == *at)))
    return false;
  maskedAt = at;
  auto out = maskedBy(mask.getOut());
  if (!out)
    return false;
  masks.push_back({*out, std::nullopt});
  if (!mask.getPrevious())
    return true;
  masks.back().previous = maskedBy(mask.getPrevious());
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

/// Whether two parts of a buffer have no element in common: along some
/// dimension they are known to be apart.
static bool areApart(const HeldLoop::Access &a, const HeldLoop::Access &b) {
  for (auto [one, other] : llvm::zip_equal(a.places, b.places)) {
    using Place = HeldLoop::Place;
    MovingIndex apart = other.offset;
    if (one.kind == Place::Row || other.kind == Place::Row || apart.modulus ||
        one.offset.modulus)
      continue;
    apart.add(one.offset, -1);
    if (apart.terms.empty() &&
        (apart.constant >= one.extent || -apart.constant >= other.extent))
      return true;
  }
  return false;
}

/// What is read of a buffer that the loop writes was written in this step, or
/// in the one before; what is written lies apart.
bool HeldLoop::findCarries() {
  SmallVector<Access, 0> written, before;
  for (const Part &part : parts)
    llvm::append_range(written, part.writes);
  for (auto [i, one] : llvm::enumerate(written))
    for (const Access &other : ArrayRef(written).drop_front(i + 1))
      if (one == other || (one.buffer == other.buffer && !areApart(one, other)))
        return false;
  for (const Part &part : parts) {
    for (const Access &read : part.reads) {
      bool isWritten = llvm::any_of(written, [&](const Access &access) {
        return access.buffer == read.buffer;
      });
      if (!isWritten || carryOf(read) || llvm::is_contained(before, read))
        continue;
      auto write = llvm::find(written, read.later(loop.getInductionVar(), 1));
      if (write == written.end() || !read.has(Place::Row) ||
          !read.has(Place::Unit))
        return false;
      carries.push_back({read, *write});
    }
    llvm::append_range(before, part.writes);
  }
  return !carries.empty() && element;
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
  for (const Part &part : parts)
    for (const Access &write : part.writes)
      if (pastEnd(write) == PastEnd::Computed)
        return false;
  return masksWhatIsWritten() && keepsCarries();
}

/// What of a row nobody writes here would be masked no more.
bool HeldLoop::masksWhatIsWritten() const {
  auto sizeOf = [](const Access &access) {
    int64_t size = 1;
    for (const Place &place : access.places)
      size *= place.extent;
    return size;
  };
  return llvm::all_of(masks, [&](const Mask &mask) {
    int64_t left = sizeOf(mask.out);
    for (const Part &part : parts)
      for (const Access &write : part.writes)
        if (mask.out.covers(write))
          left -= sizeOf(write);
    return left == 0;
  });
}

/// What is kept past an end is what the carry was, at the same place of another
/// step: in place it would be gone.
bool HeldLoop::keepsCarries() const {
  for (const Mask &mask : masks)
    for (const Part &part : parts)
      for (const Access &write : part.writes) {
        if (!mask.previous || !mask.out.covers(write))
          continue;
        auto carry = llvm::find_if(
            carries, [&](const Carry &one) { return one.write == write; });
        if (carry == carries.end() || carry->read == carry->write ||
            !mask.previous->covers(carry->read) ||
            mask.out.buffer != mask.previous->buffer)
          return false;
        for (auto [to, from, whole, before] :
             llvm::zip_equal(write.places, carry->read.places, mask.out.places,
                             mask.previous->places)) {
          MovingIndex moved = to.offset, kept = from.offset;
          if (whole.kind != Place::Whole)
            continue;
          moved.add(whole.offset, -1);
          kept.add(before.offset, -1);
          if (!(moved == kept))
            return false;
        }
      }
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
    if (mask.out.covers(write))
      return mask.previous ? PastEnd::Kept : PastEnd::Zero;
  return PastEnd::Computed;
}

bool HeldLoop::isHeld(const Access &write) const {
  if (write.moves(getLoop().getInductionVar()) && !write.returns())
    return false;
  return llvm::any_of(carries,
                      [&](const Carry &carry) { return carry.write == write; });
}

std::optional<unsigned> HeldLoop::carryOf(const Access &access) const {
  for (auto [i, carry] : llvm::enumerate(carries))
    if (carry.read == access)
      return i;
  return std::nullopt;
}

bool HeldLoop::hasFunctions() const {
  return llvm::any_of(parts, [](const Part &part) {
    return part.op
        ->walk([](Operation *op) {
          bool isFunction = isa<arith::DivFOp>(op) ||
                            op->getDialect()->getNamespace() == "scan" ||
                            (isa<math::MathDialect>(op->getDialect()) &&
                             !isa<math::AbsFOp, math::FmaOp>(op));
          return isFunction ? WalkResult::interrupt() : WalkResult::advance();
        })
        .wasInterrupted();
  });
}

Value HeldLoop::countRows(OpBuilder &b) const {
  const Access &out = parts.front().writes.front();
  auto row = llvm::find_if(
      out.places, [](const Place &place) { return place.kind == Place::Row; });
  return b.createOrFold<memref::DimOp>(getLoop().getLoc(), out.buffer,
                                       row - out.places.begin());
}

} // namespace rnnc
