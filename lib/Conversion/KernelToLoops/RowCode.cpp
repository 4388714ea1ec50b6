// RowCode.cpp: one row of a phase.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "RowCode.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;

namespace rnnc {

/// Bytes of the functions of a row that are kept, at most: the stack of a
/// function has 16 KB. Beyond it they are computed again.
static constexpr int64_t kMostKeptBytes = 8 << 10;

/// Costs more than writing and reading it.
static bool isFunction(Operation *op) {
  return isa<arith::DivFOp>(op) ||
         op->getName().getDialectNamespace() == "scan" ||
         (isa_and_nonnull<math::MathDialect>(op->getDialect()) &&
          !isa<math::AbsFOp, math::FmaOp>(op));
}

RowCode::RowCode(kernel::PhaseOp op, OpBuilder &b)
    : op(op), b(b), loc(op.getLoc()), units(op.getNumUnits()),
      varying(op.findUnitValues()) {
  findStages();
  for (unsigned stage = 1; stage != numStages; ++stage)
    keepFunctions(stage);
  auto alignment = b.getI64IntegerAttr(64);
  for (auto reduce : op.getBody().front().getOps<kernel::ReduceRowOp>())
    cells[reduce] = memref::AllocaOp::create(
        b, loc, MemRefType::get({}, reduce.getType()), ValueRange(), alignment);
  bool ofAnything = llvm::any_of(cells, [&](auto &entry) {
    return !varying.contains(entry.first->getOperand(0));
  });
  if (ofAnything)
    anyRow = memref::AllocaOp::create(b, loc,
                                      MemRefType::get({units}, b.getI8Type()));
  count = arith::ConstantIndexOp::create(b, loc, 1);
  for (unsigned dim = 0; dim != op.getNumRowDims(); ++dim) {
    sizes.push_back(
        b.createOrFold<memref::DimOp>(loc, op.getOuts().front(), dim));
    count = b.createOrFold<arith::MulIOp>(loc, count, sizes.back());
  }
  for (auto &[value, row] : kept)
    row = memref::AllocaOp::create(b, loc,
                                   MemRefType::get({units}, value.getType()),
                                   ValueRange(), alignment);
}

void RowCode::findStages() {
  for (Operation &inner : op.getBody().front().without_terminator()) {
    unsigned stage = 0;
    for (Value operand : inner.getOperands())
      stage = std::max(stage, stageOf(operand));
    stage += isa<kernel::ReduceRowOp>(inner);
    for (Value result : inner.getResults())
      stages[result] = stage;
    numStages = std::max(numStages, stage + 1);
  }
}

/// What has to be known of each unit at the end of a stage: what is combined,
/// and what goes to memory.
SmallVector<Value> RowCode::resultsOf(unsigned stage) {
  SmallVector<Value> results;
  for (auto reduce : op.getBody().front().getOps<kernel::ReduceRowOp>())
    if (stageOf(reduce.getInput()) == stage)
      results.push_back(reduce.getInput());
  Operation *yield = op.getBody().front().getTerminator();
  for (auto [i, value] : llvm::enumerate(yield->getOperands()))
    if (!op.isPerRow(i) && stageOf(value) == stage)
      results.push_back(value);
  for (auto &[value, row] : kept)
    if (stageOf(value) == stage)
      results.push_back(value);
  return results;
}

bool RowCode::isKept(Value value, unsigned stage) {
  return kept.count(value) && stageOf(value) < stage;
}

/// What a stage computes and what it reads on the way to a value that differs
/// between units.
void RowCode::collect(Value value, unsigned stage, SetVector<Operation *> &ops,
                      SetVector<Value> &read) {
  if (!varying.contains(value))
    return;
  Operation *maker = value.getDefiningOp();
  if (!maker || isKept(value, stage)) {
    read.insert(value);
    return;
  }
  if (ops.contains(maker))
    return;
  for (Value operand : maker->getOperands())
    collect(operand, stage, ops, read);
  ops.insert(maker);
}

/// Functions of earlier stages that this one reads.
void RowCode::keepFunctions(unsigned stage) {
  SetVector<Operation *> ops;
  SetVector<Value> read;
  for (Value value : resultsOf(stage))
    collect(value, stage, ops, read);
  int64_t bytes = 0;
  auto add = [&](Value value) {
    int64_t bits = value.getType().getIntOrFloatBitWidth();
    if (bits % 8 == 0)
      bytes += bits / 8 * units;
    return bits % 8 == 0 && bytes <= kMostKeptBytes;
  };
  for (auto &[value, row] : kept)
    add(value);
  for (Operation *inner : ops)
    for (Value value : inner->getResults())
      if (stageOf(value) < stage && isFunction(inner) && add(value))
        kept.insert({value, Value()});
}

Value RowCode::rowOf(Value memref, AffineMap map, ValueRange at) {
  SmallVector<OpFoldResult> offsets, sizes,
      strides(map.getNumResults(), b.getIndexAttr(1));
  for (AffineExpr expr : map.getResults()) {
    unsigned dim = cast<AffineDimExpr>(expr).getPosition();
    bool isUnit = dim == at.size();
    offsets.push_back(isUnit ? OpFoldResult(b.getIndexAttr(0)) : at[dim]);
    sizes.push_back(b.getIndexAttr(isUnit ? units : 1));
  }
  auto type = memref::SubViewOp::inferRankReducedResultType(
      {units}, cast<MemRefType>(memref.getType()), offsets, sizes, strides);
  return memref::SubViewOp::create(b, loc, type, memref, offsets, sizes,
                                   strides);
}

Value RowCode::elementOf(Value memref, AffineMap map, ValueRange at) {
  SmallVector<Value> indices;
  for (AffineExpr expr : map.getResults())
    indices.push_back(at[cast<AffineDimExpr>(expr).getPosition()]);
  return memref::LoadOp::create(b, loc, memref, indices);
}

/// What all units of the row have in common.
void RowCode::scalars(unsigned stage, IRMapping &values) {
  for (Operation &inner : op.getBody().front().without_terminator()) {
    if (inner.getNumResults() != 1 || stageOf(inner.getResult(0)) != stage ||
        varying.contains(inner.getResult(0)))
      continue;
    if (isa<kernel::ReduceRowOp>(inner))
      values.map(inner.getResult(0),
                 memref::LoadOp::create(b, loc, cells[&inner], ValueRange())
                     .getResult());
    else
      b.clone(inner, values);
  }
}

static Value combined(OpBuilder &b, Location loc, kernel::RowKind kind,
                      Value sum, Value value) {
  switch (kind) {
  case kernel::RowKind::sum:
    return arith::AddFOp::create(b, loc, sum, value);
  case kernel::RowKind::prod:
    return arith::MulFOp::create(b, loc, sum, value);
  case kernel::RowKind::max:
    return arith::MaximumFOp::create(b, loc, sum, value);
  case kernel::RowKind::min:
    return arith::MinimumFOp::create(b, loc, sum, value);
  }
}

static double neutralOf(kernel::RowKind kind) {
  double infinity = std::numeric_limits<double>::infinity();
  switch (kind) {
  case kernel::RowKind::sum:
    return 0;
  case kernel::RowKind::prod:
    return 1;
  case kernel::RowKind::max:
    return -infinity;
  case kernel::RowKind::min:
    return infinity;
  }
}

/// The units of a stage, all in one loop.
void RowCode::points(unsigned stage, ValueRange at, IRMapping &values,
                     const DenseMap<Value, Value> &memory) {
  SetVector<Operation *> ops;
  SetVector<Value> read;
  SmallVector<Value> inputs, outputs, results;
  SmallVector<std::optional<kernel::RowKind>> kinds;
  auto write = [&](Value to, Value value,
                   std::optional<kernel::RowKind> kind = std::nullopt) {
    outputs.push_back(to);
    results.push_back(value);
    kinds.push_back(kind);
    collect(value, stage, ops, read);
  };
  Operation *yield = op.getBody().front().getTerminator();
  for (auto [i, value] : llvm::enumerate(yield->getOperands()))
    if (!op.isPerRow(i) && stageOf(value) == stage)
      write(rowOf(op.getOuts()[i], op.mapOfOut(i), at), value);
  for (auto &[value, row] : kept)
    if (stageOf(value) == stage)
      write(row, value);
  unsigned rows = outputs.size();
  for (auto &[reduce, cell] : cells) {
    auto row = cast<kernel::ReduceRowOp>(reduce);
    if (stageOf(row.getInput()) != stage)
      continue;
    Value neutral = arith::ConstantOp::create(
        b, loc, b.getFloatAttr(row.getType(), neutralOf(row.getKind())));
    memref::StoreOp::create(b, loc, neutral, cell, ValueRange());
    write(cell, row.getInput(), row.getKind());
  }
  if (outputs.empty())
    return;
  for (Value value : read)
    inputs.push_back(memory.lookup(value));
  if (inputs.empty() && rows == 0)
    inputs.push_back(anyRow);
  AffineMap identity = b.getMultiDimIdentityMap(1);
  SmallVector<AffineMap> maps(inputs.size() + rows, identity);
  maps.append(outputs.size() - rows, AffineMap::get(1, 0, b.getContext()));
  auto made = linalg::GenericOp::create(
      b, loc, inputs, outputs, maps,
      {rows == outputs.size() ? utils::IteratorType::parallel
                              : utils::IteratorType::reduction},
      [&](OpBuilder &inside, Location place, ValueRange arguments) {
        IRMapping own(values);
        for (auto [value, argument] : llvm::zip(read, arguments))
          own.map(value, argument);
        for (Operation *inner : ops)
          inside.clone(*inner, own);
        SmallVector<Value> yielded;
        for (auto [i, value] : llvm::enumerate(results)) {
          Value result = own.lookupOrDefault(value);
          if (kinds[i])
            result = combined(inside, place, *kinds[i],
                              arguments[inputs.size() + i], result);
          yielded.push_back(result);
        }
        linalg::YieldOp::create(inside, place, yielded);
      });
  if (Attribute schedule = op->getAttr(kernel::kSchedule);
      schedule && op.getLefts().empty())
    made->setAttr(kernel::kSchedule, schedule);
}

SmallVector<Value> RowCode::indicesOf(Value row) {
  SmallVector<Value> at(sizes.size());
  for (unsigned dim = sizes.size(); --dim > 0;) {
    at[dim] = arith::RemUIOp::create(b, loc, row, sizes[dim]);
    row = arith::DivUIOp::create(b, loc, row, sizes[dim]);
  }
  at[0] = row;
  return at;
}

void RowCode::emit(ValueRange at, ValueRange sums) {
  IRMapping values;
  DenseMap<Value, Value> memory;
  Block &body = op.getBody().front();
  unsigned accumulators = sums.size();
  for (auto [argument, row] :
       llvm::zip(body.getArguments().take_front(accumulators), sums))
    memory[argument] = row;
  for (auto [i, input] : llvm::enumerate(op.getInputs())) {
    BlockArgument argument = body.getArgument(accumulators + i);
    if (argument.use_empty())
      continue;
    if (varying.contains(argument))
      memory[argument] = rowOf(input, op.mapOf(i), at);
    else
      values.map(argument, elementOf(input, op.mapOf(i), at));
  }
  for (auto &[value, row] : kept)
    memory[value] = row;
  for (unsigned stage = 0; stage != numStages; ++stage) {
    scalars(stage, values);
    points(stage, at, values, memory);
  }
  for (auto [i, value] : llvm::enumerate(body.getTerminator()->getOperands())) {
    if (!op.isPerRow(i))
      continue;
    memref::StoreOp::create(b, loc, values.lookupOrDefault(value),
                            op.getOuts()[i], at);
  }
}

//===----------------------------------------------------------------------===//
// All rows
//===----------------------------------------------------------------------===//

/// A map over rows of two dimensions as one over rows of one; null where it
/// has one of the two, or has them elsewhere.
static AffineMap joined(AffineMap map, std::optional<unsigned> &place) {
  SmallVector<AffineExpr> results;
  for (auto [i, expr] : llvm::enumerate(map.getResults())) {
    unsigned dim = cast<AffineDimExpr>(expr).getPosition();
    if (dim == 0) {
      if (i + 1 == map.getNumResults() || map.getDimPosition(i + 1) != 1)
        return {};
      place = i;
    }
    if (dim == 1 && !place)
      return {};
    if (dim != 0)
      results.push_back(getAffineDimExpr(dim - 1, map.getContext()));
  }
  return AffineMap::get(map.getNumDims() - 1, 0, results, map.getContext());
}

kernel::PhaseOp withOneRowDim(kernel::PhaseOp op) {
  if (op.getNumRowDims() != 2)
    return op;
  OpBuilder b(op);
  SmallVector<Value> all(op.getInputs());
  llvm::append_range(all, op.getOuts());
  SmallVector<AffineMap> maps;
  SmallVector<std::optional<unsigned>> places(all.size());
  unsigned numInputs = op.getInputs().size();
  for (auto [i, memref] : llvm::enumerate(all)) {
    AffineMap map = i < numInputs ? op.mapOf(i) : op.mapOfOut(i - numInputs);
    maps.push_back(joined(map, places[i]));
    if (!maps.back() ||
        (places[i] &&
         !joinsDims(
             cast<MemRefType>(memref.getType()),
             reassociationFor(cast<MemRefType>(memref.getType()).getRank(),
                              *places[i]))))
      return op;
  }
  for (auto [memref, place] : llvm::zip_equal(all, places))
    if (place) {
      int64_t rank = cast<MemRefType>(memref.getType()).getRank();
      memref = memref::CollapseShapeOp::create(b, op.getLoc(), memref,
                                               reassociationFor(rank, *place));
    }
  SmallVector<Attribute> attributes;
  for (AffineMap map : ArrayRef(maps).take_front(numInputs))
    attributes.push_back(AffineMapAttr::get(map));
  auto made = kernel::PhaseOp::create(
      b, op.getLoc(), TypeRange(), op.getLefts(), op.getRights(),
      ArrayRef(all).take_front(numInputs), ArrayRef(all).drop_front(numInputs),
      /*lengths=*/Value(), /*at=*/Value(), op.getValid(), op.getTurn(),
      op.getInPlace(), op.getMatrices(), op.getColumns(),
      b.getArrayAttr(attributes), op.getPerRowAttr(), op.getZerosAttr(),
      op.getUnitsAttr(), op.getStoredBitsAttr(), op.getPackedAttr());
  made->setDiscardableAttrs(op->getDiscardableAttrDictionary());
  made.getBody().takeBody(op.getBody());
  op.erase();
  return made;
}

void lowerRows(kernel::PhaseOp op) {
  op = withOneRowDim(op);
  OpBuilder b(op);
  Location loc = op.getLoc();
  auto index = [&](int64_t v) {
    return arith::ConstantIndexOp::create(b, loc, v);
  };
  RowCode row(op, b);
  Value count = row.getCount();
  if (op.getValid())
    count = arith::IndexCastOp::create(
        b, loc, b.getIndexType(),
        memref::LoadOp::create(b, loc, op.getValid(), ValueRange{index(0)}));
  scf::ForOp loop =
      buildLoop(b, loc, index(0), count, index(1), {},
                [&](Value number, ValueRange) -> SmallVector<Value> {
                  if (op.getValid()) {
                    Value behind =
                        arith::AddIOp::create(b, loc, number, index(1));
                    number = arith::IndexCastOp::create(
                        b, loc, b.getIndexType(),
                        memref::LoadOp::create(b, loc, op.getValid(), behind));
                  }
                  row.emit(row.indicesOf(number), {});
                  return {};
                });
  loop->setAttr(kIndependentTrips, b.getUnitAttr());
  loop->setAttr(kernel::kSchedule, kernel::scheduleOf(op));
  op.erase();
}

} // namespace rnnc
