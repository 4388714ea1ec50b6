// HeldLoopCode.cpp: a time loop with its states in registers.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "HeldLoop.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;

namespace rnnc {
namespace {

class HeldLoopWriter {
public:
  HeldLoopWriter(const HeldLoop &held, kernel::TargetAttr target, OpBuilder &b)
      : held(held), target(target), b(b), loc(held.getLoop().getLoc()),
        lanes(target.lanes(held.getElement().getIntOrFloatBitWidth())) {}

  void write();

private:
  using Values = SmallVector<Value>;
  using Access = HeldLoop::Access;
  using PastEnd = HeldLoop::PastEnd;
  using Known = SmallVector<std::pair<Access, Value>>;

  int64_t unitsAtOnce() const;
  void findSteps();
  void writeUnits();
  void writeChunk(Value from, int64_t count);
  Values validSteps(Values carries);
  Values endedSteps(Values carries);
  Values step(Value number, ValueRange carries);
  Values endedStep(Value number, ValueRange carries);
  void compute(const HeldLoop::Part &part, Known &known, Value number);
  void keep(const Access &access, Value value, Known &known, Value number);
  Value bind(const HeldLoop::Part &part, Value operand, IRMapping &map,
             Known &known, Value number);
  Value find(const Access &access, const Known &known) const;
  Value read(const Access &access, Known &known, Value number);
  void store(const Access &access, Value value, Value number);

  bool moves(const Access &access) const {
    return access.moves(held.getLoop().getInductionVar());
  }
  bool isHeld(const Access &write) const;
  Values indicesOf(const Access &access, Value number);
  Value valueOf(const MovingIndex &index, Value number);
  Value load(const Access &access, Value number);
  Value widen(Value value);
  Type elementOf(const Access &access) const {
    return cast<MemRefType>(access.buffer.getType()).getElementType();
  }
  Value zero(Type element) { return widen(constant(b.getZeroAttr(element))); }
  Value constant(TypedAttr value) {
    return arith::ConstantOp::create(b, loc, value);
  }
  Value index(int64_t v) { return arith::ConstantIndexOp::create(b, loc, v); }
  VectorType vectorOf(Type element) {
    return VectorType::get({width}, element);
  }

  const HeldLoop &held;
  kernel::TargetAttr target;
  OpBuilder &b;
  Location loc;
  int64_t lanes;
  Value row, valid, ended, trips; ///< of the example: its steps, and the rest
  Value unit, mask;               ///< of the chunk; no mask: all lanes count
  int64_t width = 1;              ///< lanes of the chunk, whole registers
  Known unchanging;               ///< what no step changes
};

/// Nobody sees what a carry was at a step that is not the last.
bool HeldLoopWriter::isHeld(const Access &write) const {
  if (moves(write) && !write.returns())
    return false;
  return llvm::any_of(held.getCarries(), [&](const HeldLoop::Carry &carry) {
    return carry.write == write;
  });
}

/// A step is one long chain, mostly: several vectors of units side by side
/// have one each. As far as the states leave registers to what is computed.
int64_t HeldLoopWriter::unitsAtOnce() const {
  int64_t states = held.getCarries().size(), registers = target.getRegisters();
  if (4 * states <= registers / 4)
    return 4 * lanes;
  return 2 * states <= registers / 2 ? 2 * lanes : lanes;
}

Value HeldLoopWriter::valueOf(const MovingIndex &moving, Value number) {
  Value sum = index(moving.constant);
  for (auto [value, factor] : moving.terms) {
    Value term = value == held.getLoop().getInductionVar() ? number : value;
    term = b.createOrFold<arith::MulIOp>(loc, term, index(factor));
    sum = b.createOrFold<arith::AddIOp>(loc, sum, term);
  }
  if (moving.modulus)
    sum = b.createOrFold<arith::RemUIOp>(loc, sum, index(moving.modulus));
  return sum;
}

HeldLoopWriter::Values HeldLoopWriter::indicesOf(const Access &access,
                                                 Value number) {
  using Place = HeldLoop::Place;
  Values result;
  for (const Place &place : access.places) {
    Value at = valueOf(place.offset, number);
    if (place.kind != Place::Fixed)
      at = b.createOrFold<arith::AddIOp>(
          loc, place.kind == Place::Unit ? unit : row, at);
    result.push_back(at);
  }
  return result;
}

Value HeldLoopWriter::load(const Access &access, Value number) {
  Values at = indicesOf(access, number);
  if (!access.has(HeldLoop::Place::Unit))
    return memref::LoadOp::create(b, loc, access.buffer, at);
  VectorType type = vectorOf(elementOf(access));
  if (!mask)
    return vector::LoadOp::create(b, loc, type, access.buffer, at);
  return vector::MaskedLoadOp::create(b, loc, type, access.buffer, at, mask,
                                      zero(elementOf(access)));
}

void HeldLoopWriter::store(const Access &access, Value value, Value number) {
  Values at = indicesOf(access, number);
  value = widen(value);
  if (mask)
    vector::MaskedStoreOp::create(b, loc, access.buffer, at, mask, value);
  else
    vector::StoreOp::create(b, loc, value, access.buffer, at);
}

Value HeldLoopWriter::widen(Value value) {
  return widened(b, loc, value, width);
}

/// A carry in place is what it was until it is written: the latest counts.
Value HeldLoopWriter::find(const Access &access, const Known &known) const {
  for (const Known *list : {&known, &unchanging})
    for (auto &[other, value] : llvm::reverse(*list))
      if (other == access)
        return value;
  return Value();
}

Value HeldLoopWriter::read(const Access &access, Known &known, Value number) {
  if (Value value = find(access, known))
    return value;
  Value value = load(access, number);
  known.push_back({access, value});
  return value;
}

/// From here on it is known what stands at a place, which somebody may have to
/// see.
void HeldLoopWriter::keep(const Access &access, Value value, Known &known,
                          Value number) {
  value = widen(value);
  known.push_back({access, value});
  if (!isHeld(access))
    store(access, value, number);
}

/// What an operand of a body is on lanes. What no step has brought yet is
/// loaded where it is used first: a register holds it no longer than needed.
Value HeldLoopWriter::bind(const HeldLoop::Part &part, Value operand,
                           IRMapping &map, Known &known, Value number) {
  auto argument = dyn_cast<BlockArgument>(operand);
  bool isElement = argument && argument.getOwner()->getParentOp() == part.op;
  if (isElement && !map.contains(operand))
    map.map(operand, read(part.reads[argument.getArgNumber()], known, number));
  return map.lookupOrDefault(operand);
}

/// What a part reads it has from before it writes. What it writes is stored
/// where it is computed, for the same reason.
void HeldLoopWriter::compute(const HeldLoop::Part &part, Known &known,
                             Value number) {
  auto generic = dyn_cast<linalg::GenericOp>(part.op);
  if (!generic) {
    Value value = read(part.reads.front(), known, number);
    keep(part.writes.front(), value, known, number);
    return;
  }
  IRMapping map;
  for (const auto &[value, moving] : part.numbers)
    map.map(value, valueOf(moving, number));
  for (auto [access, argument] :
       llvm::zip(part.reads, generic.getBody()->getArguments()))
    if (Value value = find(access, known))
      map.map(argument, value);
  Operation *yield = generic.getBody()->getTerminator();
  auto keepAll = [&](auto isMade) {
    for (auto [access, value] : llvm::zip(part.writes, yield->getOperands()))
      if (isMade(value))
        keep(access, bind(part, value, map, known, number), known, number);
  };
  for (Operation &inner : generic.getBody()->without_terminator()) {
    for (Value operand : inner.getOperands())
      bind(part, operand, map, known, number);
    cloneOnLanes(b, loc, inner, map, width);
    keepAll([&](Value value) { return value.getDefiningOp() == &inner; });
  }
  keepAll([&](Value value) {
    return value.getParentBlock() != generic.getBody() ||
           isa<BlockArgument>(value);
  });
}

HeldLoopWriter::Values HeldLoopWriter::step(Value number, ValueRange carries) {
  Known known;
  for (auto [carry, value] : llvm::zip(held.getCarries(), carries))
    known.push_back({carry.read, value});
  for (const HeldLoop::Part &part : held.getParts())
    compute(part, known, number);
  Values next;
  for (const HeldLoop::Carry &carry : held.getCarries())
    next.push_back(read(carry.write, known, number));
  return next;
}

HeldLoopWriter::Values HeldLoopWriter::endedStep(Value number,
                                                 ValueRange carries) {
  Values next(carries);
  for (auto [carry, value] : llvm::zip(held.getCarries(), next))
    if (held.pastEnd(carry.write) == PastEnd::Zero)
      value = zero(elementOf(carry.write));
  for (const HeldLoop::Part &part : held.getParts())
    for (const Access &write : part.writes) {
      if (isHeld(write))
        continue;
      Value value = zero(elementOf(write));
      for (auto [carry, kept] : llvm::zip(held.getCarries(), next))
        if (carry.write == write)
          value = kept;
      store(write, value, number);
    }
  return next;
}

HeldLoopWriter::Values HeldLoopWriter::validSteps(Values carries) {
  auto loop =
      buildLoop(b, loc, index(0), valid, index(1), carries,
                [&](Value number, ValueRange before) -> Values {
                  if (held.isReversed())
                    number = b.createOrFold<arith::AddIOp>(loc, number, ended);
                  return step(number, before);
                });
  return Values(loop.getResults());
}

HeldLoopWriter::Values HeldLoopWriter::endedSteps(Values carries) {
  auto loop =
      buildLoop(b, loc, index(0), ended, index(1), carries,
                [&](Value number, ValueRange before) -> Values {
                  if (!held.isReversed())
                    number = b.createOrFold<arith::AddIOp>(loc, number, valid);
                  return endedStep(number, before);
                });
  return Values(loop.getResults());
}

/// All steps of the units [from, from + count) of the example.
void HeldLoopWriter::writeChunk(Value from, int64_t count) {
  unit = from;
  width = llvm::alignTo(count, lanes);
  mask = Value();
  if (count != width) {
    SmallVector<bool> bits(width);
    std::fill_n(bits.begin(), count, true);
    mask = constant(DenseElementsAttr::get(vectorOf(b.getI1Type()), bits));
  }
  unchanging.clear();
  Value first = index(0);
  Values carries;
  for (const HeldLoop::Carry &carry : held.getCarries())
    carries.push_back(load(carry.read, first));
  for (const HeldLoop::Part &part : held.getParts())
    for (const Access &access : part.reads)
      if (!moves(access) && !held.carryOf(access))
        read(access, unchanging, first);
  bool ends = bool(held.getLengths());
  if (ends && held.isReversed())
    carries = endedSteps(carries);
  carries = validSteps(carries);
  if (ends && !held.isReversed())
    carries = endedSteps(carries);
  for (auto [carry, value] : llvm::zip(held.getCarries(), carries))
    if (isHeld(carry.write))
      store(carry.read, value, trips);
}

void HeldLoopWriter::writeUnits() {
  int64_t units = held.getUnits(), most = unitsAtOnce();
  int64_t whole = units / most * most;
  if (whole == most)
    writeChunk(index(0), most);
  else if (whole)
    buildLoop(b, loc, index(0), index(whole), index(most), {},
              [&](Value from, ValueRange) -> Values {
                writeChunk(from, most);
                return {};
              });
  if (whole != units)
    writeChunk(index(whole), units - whole);
}

/// How many steps the example has, and how many are left.
void HeldLoopWriter::findSteps() {
  valid = trips;
  if (!held.getLengths())
    return;
  Value length = memref::LoadOp::create(b, loc, held.getLengths(), row);
  length = arith::IndexCastOp::create(b, loc, b.getIndexType(), length);
  length = arith::MaxSIOp::create(b, loc, length, index(0));
  valid = arith::MinSIOp::create(b, loc, length, trips);
  ended = arith::SubIOp::create(b, loc, trips, valid);
}

void HeldLoopWriter::write() {
  trips = held.getLoop().getUpperBound();
  Value rows = held.countRows(b);
  scf::ForOp loop = buildLoop(b, loc, index(0), rows, index(1), {},
                              [&](Value number, ValueRange) -> Values {
                                row = number;
                                findSteps();
                                writeUnits();
                                return {};
                              });
  loop->setAttr(kIndependentTrips, b.getUnitAttr());
  loop->setAttr(kLowered, b.getUnitAttr());
}

} // namespace

void writeHeldLoop(const HeldLoop &held, kernel::TargetAttr target,
                   OpBuilder &b) {
  HeldLoopWriter(held, target, b).write();
}

} // namespace rnnc
