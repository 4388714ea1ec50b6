// HeldLoopCode.cpp: a time loop with its states in registers.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "HeldStages.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;

namespace rnnc {
namespace {

/// A step, as the code that is written for it knows it.
struct HeldStep {
  unsigned stage;
  Value number;
  Value slot; ///< among those that a stage does at once
};

class HeldLoopWriter {
public:
  HeldLoopWriter(const HeldLoop &held, kernel::TargetAttr target, OpBuilder &b)
      : held(held), target(target), b(b), loc(held.getLoop().getLoc()),
        lanes(target.lanes(held.getElement().getIntOrFloatBitWidth())),
        stages(held, target) {}

  void write();

private:
  using Values = SmallVector<Value>;
  using Access = HeldLoop::Access;
  using PastEnd = HeldLoop::PastEnd;
  using Known = SmallVector<std::pair<Access, Value>>;

  void makeRoom();
  void makeStates();
  void findSteps();
  void writeUnits();
  void eachPart(Value first, int64_t units, int64_t most,
                llvm::function_ref<void(Value, int64_t)> body);
  void eachChunk(Value first, int64_t units, llvm::function_ref<void()> body);
  void writeBlocks(Value first, int64_t units);
  int64_t unitsTogether() const;
  void writeStages(Value from, Value count);
  Value stateOf(unsigned carry);
  void keepState(unsigned carry, Value value);
  Values firstCarries();
  void leaveCarries(Values carries);
  Values endedSteps(Values carries);
  void stageSteps(unsigned stage, Value from, Value count, Values &carries);
  Values step(const HeldStep &at, ValueRange carries);
  Values endedStep(Value number, ValueRange carries);
  void readUnchanging(unsigned stage);
  void compute(unsigned part, Known &known, const HeldStep &at);
  void computeBody(unsigned part, linalg::GenericOp op, Known &known,
                   const HeldStep &at);
  void keep(unsigned part, unsigned write, Value value, Known &known,
            const HeldStep &at);
  void leave(const HeldItem *item, Value value, const HeldStep &at);
  Value enter(const HeldItem *item, const HeldStep &at);
  Value bind(unsigned part, Value operand, IRMapping &map, Known &known,
             const HeldStep &at);
  Value readFor(unsigned part, unsigned number, Known &known,
                const HeldStep &at);
  Value find(const Access &access, const Known &known) const;
  Value read(const Access &access, Known &known, Value number);
  void store(const Access &access, Value value, Value number);

  bool moves(const Access &access) const {
    return access.moves(held.getLoop().getInductionVar());
  }
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
  HeldStages stages;
  DenseMap<const HeldItem *, Value> room; ///< [slot, lane] on the stack
  Values states; ///< of each carry: [units] on the stack, between stages
  Value row, valid, ended, trips; ///< of the example: its steps, and the rest
  Value unit, mask;               ///< of the chunk; no mask: all lanes count
  Value place;                    ///< of the chunk's states
  int64_t width = 1;              ///< lanes of the chunk, whole registers
  Known unchanging;               ///< what no step changes
};

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
void HeldLoopWriter::keep(unsigned part, unsigned write, Value value,
                          Known &known, const HeldStep &at) {
  const Access &access = held.getParts()[part].writes[write];
  value = widen(value);
  known.push_back({access, value});
  if (!held.isHeld(access))
    store(access, value, at.number);
  leave(stages.writerOf(part, write), value, at);
}

/// A later stage finds it where it is seen, or in room of its own.
void HeldLoopWriter::leave(const HeldItem *item, Value value,
                           const HeldStep &at) {
  if (Value buffer = room.lookup(item))
    vector::StoreOp::create(b, loc, widen(value), buffer,
                            ValueRange{at.slot, index(0)});
}

Value HeldLoopWriter::enter(const HeldItem *item, const HeldStep &at) {
  Value buffer = room.lookup(item);
  if (!buffer)
    return load(*item->written, at.number);
  return vector::LoadOp::create(b, loc, vectorOf(item->type), buffer,
                                ValueRange{at.slot, index(0)});
}

Value HeldLoopWriter::readFor(unsigned part, unsigned number, Known &known,
                              const HeldStep &at) {
  HeldItem *source = stages.sourceOf(part, number);
  if (source && source->stage != at.stage)
    return enter(source, at);
  return read(held.getParts()[part].reads[number], known, at.number);
}

/// What an operand of a body is on lanes. What no step has brought yet is
/// loaded where it is used first: a register holds it no longer than needed.
Value HeldLoopWriter::bind(unsigned part, Value operand, IRMapping &map,
                           Known &known, const HeldStep &at) {
  if (Value value = map.lookupOrNull(operand))
    return value;
  Operation *op = held.getParts()[part].op;
  auto argument = dyn_cast<BlockArgument>(operand);
  HeldItem *item = stages.itemOf(operand.getDefiningOp());
  if (argument && argument.getOwner()->getParentOp() == op)
    map.map(operand, readFor(part, argument.getArgNumber(), known, at));
  else if (item && operand.getDefiningOp()->getParentOp() == op)
    map.map(operand, enter(item, at));
  return map.lookupOrDefault(operand);
}

/// What a part reads it has from before it writes. What it writes is stored
/// where it is computed, for the same reason.
void HeldLoopWriter::computeBody(unsigned part, linalg::GenericOp op,
                                 Known &known, const HeldStep &at) {
  const HeldLoop::Part &content = held.getParts()[part];
  IRMapping map;
  for (const auto &[value, moving] : content.numbers)
    map.map(value, valueOf(moving, at.number));
  for (auto [i, access] : llvm::enumerate(content.reads)) {
    HeldItem *source = stages.sourceOf(part, i);
    Value value = find(access, known);
    if (value && !(source && source->stage != at.stage))
      map.map(op.getBody()->getArgument(i), value);
  }
  Operation *yield = op.getBody()->getTerminator();
  auto keepAll = [&](auto isMade) {
    for (auto [i, value] : llvm::enumerate(yield->getOperands()))
      if (isMade(value) && stages.writerOf(part, i)->stage == at.stage)
        keep(part, i, bind(part, value, map, known, at), known, at);
  };
  for (Operation &inner : op.getBody()->without_terminator()) {
    HeldItem *item = stages.itemOf(&inner);
    if (item->stage != at.stage)
      continue;
    for (Value operand : inner.getOperands())
      bind(part, operand, map, known, at);
    cloneOnLanes(b, loc, inner, map, width);
    keepAll([&](Value value) { return value.getDefiningOp() == &inner; });
    if (!llvm::is_contained(yield->getOperands(), inner.getResult(0)))
      leave(item, map.lookup(inner.getResult(0)), at);
  }
  keepAll([&](Value value) {
    return value.getParentBlock() != op.getBody() || isa<BlockArgument>(value);
  });
}

void HeldLoopWriter::compute(unsigned part, Known &known, const HeldStep &at) {
  const HeldLoop::Part &content = held.getParts()[part];
  if (auto generic = dyn_cast<linalg::GenericOp>(content.op))
    return computeBody(part, generic, known, at);
  HeldItem *item = stages.itemOf(content.op);
  if (item->stage == at.stage)
    keep(part, 0, readFor(part, 0, known, at), known, at);
}

HeldLoopWriter::Values HeldLoopWriter::step(const HeldStep &at,
                                            ValueRange carries) {
  Known known;
  Values next;
  unsigned own = 0;
  for (auto [i, carry] : llvm::enumerate(held.getCarries()))
    if (stages.stageOfCarry(i) == at.stage)
      known.push_back({carry.read, carries[own++]});
  for (size_t part = 0; part != held.getParts().size(); ++part)
    compute(part, known, at);
  for (auto [i, carry] : llvm::enumerate(held.getCarries()))
    if (stages.stageOfCarry(i) == at.stage)
      next.push_back(read(carry.write, known, at.number));
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
      if (held.isHeld(write))
        continue;
      Value value = zero(elementOf(write));
      for (auto [carry, kept] : llvm::zip(held.getCarries(), next))
        if (carry.write == write)
          value = kept;
      store(write, value, number);
    }
  return next;
}

void HeldLoopWriter::readUnchanging(unsigned stage) {
  unchanging.clear();
  Value first = index(0);
  for (auto [number, part] : llvm::enumerate(held.getParts()))
    for (auto [i, access] : llvm::enumerate(part.reads))
      if (!moves(access) && !held.carryOf(access) &&
          !stages.sourceOf(number, i) && stages.reads(stage, number, i))
        read(access, unchanging, first);
}

/// So many steps of a stage, from a step on.
void HeldLoopWriter::stageSteps(unsigned stage, Value from, Value count,
                                Values &carries) {
  readUnchanging(stage);
  Values own;
  for (auto [i, value] : llvm::enumerate(carries))
    if (stages.stageOfCarry(i) == stage)
      own.push_back(value);
  auto loop = buildLoop(b, loc, index(0), count, index(1), own,
                        [&](Value slot, ValueRange before) -> Values {
                          Value number = slot;
                          if (from)
                            number =
                                arith::AddIOp::create(b, loc, number, from);
                          return step({stage, number, slot}, before);
                        });
  unsigned next = 0;
  for (auto [i, value] : llvm::enumerate(carries))
    if (stages.stageOfCarry(i) == stage)
      value = loop.getResult(next++);
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

/// What the first step of a chunk finds.
HeldLoopWriter::Values HeldLoopWriter::firstCarries() {
  Value first = index(0);
  Values carries;
  for (const HeldLoop::Carry &carry : held.getCarries())
    carries.push_back(load(carry.read, first));
  if (held.getLengths() && held.isReversed())
    return endedSteps(carries);
  return carries;
}

/// Behind the last step: what was in registers alone is seen.
void HeldLoopWriter::leaveCarries(Values carries) {
  if (held.getLengths() && !held.isReversed())
    carries = endedSteps(carries);
  for (auto [carry, value] : llvm::zip(held.getCarries(), carries))
    if (held.isHeld(carry.write))
      store(carry.read, value, trips);
}

/// Goes through units, so many at a time.
void HeldLoopWriter::eachPart(Value first, int64_t units, int64_t most,
                              llvm::function_ref<void(Value, int64_t)> body) {
  int64_t whole = units / most * most;
  auto part = [&](Value from, int64_t count) {
    body(b.createOrFold<arith::AddIOp>(loc, first, from), count);
  };
  if (whole == most)
    part(index(0), most);
  else if (whole)
    buildLoop(b, loc, index(0), index(whole), index(most), {},
              [&](Value from, ValueRange) -> Values {
                part(from, most);
                return {};
              });
  if (whole != units)
    part(index(whole), units - whole);
}

/// Goes through the chunks of some units.
void HeldLoopWriter::eachChunk(Value first, int64_t units,
                               llvm::function_ref<void()> body) {
  int64_t most = stages.getVectors() * lanes;
  eachPart(first, units, most, [&](Value from, int64_t count) {
    unit = from;
    place = b.createOrFold<arith::SubIOp>(loc, from, first);
    width = llvm::alignTo(count, lanes);
    mask = Value();
    if (count != width) {
      SmallVector<bool> bits(width);
      std::fill_n(bits.begin(), count, true);
      mask = constant(DenseElementsAttr::get(vectorOf(b.getI1Type()), bits));
    }
    body();
  });
}

Value HeldLoopWriter::stateOf(unsigned carry) {
  auto type = cast<MemRefType>(states[carry].getType());
  return vector::LoadOp::create(b, loc, vectorOf(type.getElementType()),
                                states[carry], ValueRange{place});
}

void HeldLoopWriter::keepState(unsigned carry, Value value) {
  vector::StoreOp::create(b, loc, widen(value), states[carry],
                          ValueRange{place});
}

/// Some steps of all stages. Each finds its states where it left them.
void HeldLoopWriter::writeStages(Value from, Value count) {
  for (unsigned stage = 0; stage != stages.getNumStages(); ++stage) {
    Values carries(states.size());
    for (unsigned i = 0; i != carries.size(); ++i)
      if (stages.stageOfCarry(i) == stage)
        carries[i] = stateOf(i);
    stageSteps(stage, from, count, carries);
    for (unsigned i = 0; i != carries.size(); ++i)
      if (stages.stageOfCarry(i) == stage)
        keepState(i, carries[i]);
  }
}

/// All chunks go through some steps before the next steps are done: what these
/// read and write of a sequence is in a near cache for all of them, and lines
/// that two chunks share come from memory once.
void HeldLoopWriter::writeBlocks(Value first, int64_t units) {
  eachChunk(first, units, [&] {
    for (auto [i, value] : llvm::enumerate(firstCarries()))
      keepState(i, value);
  });
  Value most = index(stages.getSteps());
  buildLoop(b, loc, index(0), valid, most, {},
            [&](Value from, ValueRange) -> Values {
              Value count = arith::SubIOp::create(b, loc, valid, from);
              count = arith::MinSIOp::create(b, loc, count, most);
              if (held.isReversed() && ended)
                from = arith::AddIOp::create(b, loc, from, ended);
              eachChunk(first, units, [&] { writeStages(from, count); });
              return {};
            });
  eachChunk(first, units, [&] {
    Values carries;
    for (unsigned i = 0; i != states.size(); ++i)
      carries.push_back(stateOf(i));
    leaveCarries(carries);
  });
}

void HeldLoopWriter::writeUnits() {
  if (stages.getNumStages() > 1)
    return eachPart(
        index(0), held.getUnits(), unitsTogether(),
        [&](Value first, int64_t units) { writeBlocks(first, units); });
  eachChunk(index(0), held.getUnits(), [&] {
    Values carries = firstCarries();
    stageSteps(0, held.isReversed() ? ended : Value(), valid, carries);
    leaveCarries(carries);
  });
}

/// Units whose states have room beside each other.
int64_t HeldLoopWriter::unitsTogether() const {
  constexpr int64_t kMostBytes = 1 << 13;
  int64_t chunk = stages.getVectors() * lanes;
  int64_t bytes = held.getCarries().size() *
                  (held.getElement().getIntOrFloatBitWidth() / 8);
  return std::max<int64_t>(1, kMostBytes / (bytes * chunk)) * chunk;
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

/// Room on the stack for what leaves a stage: values that are not needed at the
/// same time share it.
void HeldLoopWriter::makeRoom() {
  SmallVector<std::pair<Value, unsigned>> all; ///< and the last stage to read
  int64_t most = std::min<int64_t>(stages.getVectors() * lanes,
                                   llvm::alignTo(held.getUnits(), lanes));
  for (const HeldItem *item : stages.getLeaving()) {
    auto type = MemRefType::get({stages.getSteps(), most}, item->type);
    auto free = llvm::find_if(all, [&](const auto &one) {
      return one.second < item->stage && one.first.getType() == type;
    });
    if (free == all.end()) {
      Value buffer = memref::AllocaOp::create(b, loc, type, ValueRange(),
                                              b.getI64IntegerAttr(64));
      all.push_back({buffer, 0});
      free = std::prev(all.end());
    }
    free->second = item->lastReader();
    room[item] = free->first;
  }
}

/// Room on the stack for the states of units while other stages, or other
/// chunks, have the registers.
void HeldLoopWriter::makeStates() {
  int64_t units =
      std::min<int64_t>(unitsTogether(), llvm::alignTo(held.getUnits(), lanes));
  for (const HeldLoop::Carry &carry : held.getCarries())
    states.push_back(memref::AllocaOp::create(
        b, loc, MemRefType::get({units}, elementOf(carry.read)), ValueRange(),
        b.getI64IntegerAttr(64)));
}

void HeldLoopWriter::write() {
  trips = held.getLoop().getUpperBound();
  makeRoom();
  if (stages.getNumStages() > 1)
    makeStates();
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
