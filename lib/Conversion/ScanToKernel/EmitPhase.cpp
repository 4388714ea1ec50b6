// EmitPhase.cpp: phases on the memory of their tensors.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Emitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;

namespace rnnc {

/// Computes every element of `out` from elements of `inputs`; `dims` says, for
/// each dimension of an input, which one of `out` it is.
void Emitter::pointwise(
    Location loc, ArrayRef<std::pair<Buffer, SmallVector<int64_t>>> inputs,
    const Buffer &out,
    llvm::function_ref<Value(OpBuilder &, ValueRange)> body) {
  SmallVector<Value> read;
  SmallVector<AffineMap> maps;
  int64_t rank = out.rank();
  for (const auto &[buffer, dims] : inputs) {
    read.push_back(buffer.memref);
    SmallVector<AffineExpr> results;
    for (int64_t dim : dims)
      results.push_back(b.getAffineDimExpr(dim));
    maps.push_back(AffineMap::get(rank, 0, results, b.getContext()));
  }
  maps.push_back(b.getMultiDimIdentityMap(rank));
  linalg::GenericOp::create(
      b, loc, read, ValueRange{out.memref}, maps,
      SmallVector<utils::IteratorType>(rank, utils::IteratorType::parallel),
      [&](OpBuilder &inner, Location at, ValueRange arguments) {
        linalg::YieldOp::create(inner, at, body(inner, arguments));
      });
}

void Emitter::fill(Location loc, const Buffer &buffer, double number) {
  Type type = buffer.type().getElementType();
  TypedAttr attr =
      isa<FloatType>(type)
          ? TypedAttr(b.getFloatAttr(type, number))
          : TypedAttr(b.getIntegerAttr(type, static_cast<int64_t>(number)));
  Value value = arith::ConstantOp::create(b, loc, attr);
  if (buffer.rank() == 0)
    memref::StoreOp::create(b, loc, value, buffer.memref, ValueRange());
  else
    linalg::FillOp::create(b, loc, value, buffer.memref);
}

/// The number that a fill puts everywhere.
double Emitter::numberOf(linalg::FillOp op) {
  FloatAttr number;
  if (matchPattern(op.value(), m_Constant(&number)))
    return number.getValueAsDouble();
  APInt integer;
  if (matchPattern(op.value(), m_ConstantInt(&integer)))
    return double(integer.getSExtValue());
  op.emitOpError("fills with a number that is not known");
  failed = true;
  return 0;
}

/// All places where a value is wanted, or its own memory.
SmallVector<Buffer> Emitter::placesOf(Value value) {
  SmallVector<Buffer> places(dests[value]);
  if (places.empty())
    places.push_back(buffers[value]);
  return places;
}

void Emitter::emitFill(linalg::FillOp op) {
  for (const Buffer &place : placesOf(op.getResult(0)))
    fill(op.getLoc(), place, numberOf(op));
}

/// What the results of a phase start from, where it reads that.
void Emitter::fillStarts(linalg::GenericOp op) {
  for (OpOperand &init : op.getDpsInitsMutable()) {
    if (op.getMatchingBlockArgument(&init).use_empty())
      continue;
    auto start = init.get().getDefiningOp<linalg::FillOp>();
    if (!start) {
      op.emitOpError("starts from a tensor that is no number everywhere");
      failed = true;
      return;
    }
    fill(op.getLoc(), buffers[op.getTiedOpResult(&init)], numberOf(start));
  }
}

/// The region of a phase on what its arguments are in memory: a truth value
/// is a byte there.
void Emitter::cloneBody(Block &from, ValueRange arguments,
                        SmallVectorImpl<Value> &yielded) {
  Location loc = from.getParentOp()->getLoc();
  IRMapping mapping;
  for (auto [old, value] : llvm::zip_equal(from.getArguments(), arguments)) {
    if (old.getType().isInteger(1) && !old.use_empty()) {
      Value zero = arith::ConstantOp::create(
          b, loc, b.getIntegerAttr(value.getType(), 0));
      value =
          arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, value, zero);
    }
    mapping.map(old, value);
  }
  auto known = [&](Value value) {
    if (!mapping.contains(value))
      mapping.map(value, scalar(value));
  };
  for (Operation &inner : from.without_terminator()) {
    llvm::for_each(inner.getOperands(), known);
    b.clone(inner, mapping);
  }
  for (Value value : from.getTerminator()->getOperands()) {
    known(value);
    Value result = mapping.lookup(value);
    if (result.getType().isInteger(1))
      result = arith::ExtUIOp::create(b, loc, b.getI8Type(), result);
    yielded.push_back(result);
  }
}

/// A phase without dimensions is plain code.
void Emitter::emitScalars(linalg::GenericOp op, ArrayRef<Value> inputs) {
  Location loc = op.getLoc();
  SmallVector<Value> arguments, yielded;
  for (Value memref : inputs)
    arguments.push_back(memref::LoadOp::create(b, loc, memref, ValueRange()));
  for (Value result : op.getResults())
    arguments.push_back(
        memref::LoadOp::create(b, loc, buffers[result].memref, ValueRange()));
  cloneBody(*op.getBody(), arguments, yielded);
  for (auto [value, result] : llvm::zip_equal(yielded, op.getResults()))
    for (const Buffer &place : placesOf(result))
      memref::StoreOp::create(b, loc, value, place.memref, ValueRange());
}

/// A phase on tensors, on their memory: it writes to all places where a result
/// is wanted, but adds up in one.
void Emitter::emitGeneric(linalg::GenericOp op) {
  if (added.contains(op))
    return;
  Location loc = op.getLoc();
  fillStarts(op);
  SmallVector<Value> inputs, outputs;
  SmallVector<AffineMap> maps(op.getIndexingMapsArray());
  maps.resize(op.getNumDpsInputs());
  SmallVector<unsigned> sources;
  bool reduces = op.getNumReductionLoops() > 0;
  for (Value input : op.getDpsInputs())
    inputs.push_back(bufferFor(input).memref);
  if (op.getNumLoops() == 0)
    return emitScalars(op, inputs);
  for (OpResult result : op.getResults()) {
    AffineMap map = op.getIndexingMapMatchingResult(result);
    SmallVector<Buffer> places = placesOf(result);
    for (const Buffer &place :
         ArrayRef(places).take_front(reduces ? 1 : places.size())) {
      outputs.push_back(place.memref);
      maps.push_back(map);
      sources.push_back(result.getResultNumber());
    }
  }
  auto made = linalg::GenericOp::create(
      b, loc, TypeRange(), inputs, outputs, maps, op.getIteratorTypesArray(),
      [&](OpBuilder &body, Location at, ValueRange arguments) {
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPoint(body.getInsertionBlock(), body.getInsertionPoint());
        SmallVector<Value> own(arguments.take_front(inputs.size())), all,
            yielded;
        for (unsigned i = 0; i != op.getNumResults(); ++i)
          own.push_back(arguments[inputs.size() +
                                  (llvm::find(sources, i) - sources.begin())]);
        cloneBody(*op.getBody(), own, all);
        for (unsigned i : sources)
          yielded.push_back(all[i]);
        linalg::YieldOp::create(b, at, yielded);
      });
  made->setDiscardableAttrs(op->getDiscardableAttrDictionary());
  // Code that is the same is one kernel, whatever a schedule calls it.
  made->removeAttr(kernel::kDecisionName);
  if (reduces)
    llvm::for_each(op.getResults(), [&](Value v) { copyToOthers(v); });
}

/// The left operands of a phase as matrices, the right ones packed, and as they
/// lie where they are not packed for few rows.
LogicalResult Emitter::packOperands(kernel::PhaseOp op, Operands &operands) {
  Location loc = op.getLoc();
  auto seq = [](int64_t from, int64_t to) {
    return llvm::to_vector(llvm::seq<int64_t>(from, to));
  };
  int64_t rowDims = op.getNumRowDims();
  auto isMatrix = [&](auto operands) {
    auto [left, right] = operands;
    int64_t steps = cast<ShapedType>(left.getType()).getRank() - rowDims;
    return cast<ShapedType>(right.getType()).getRank() > steps &&
           liesInOrder(right);
  };
  if (outermostLoop && rowDims == 1 &&
      llvm::all_of(llvm::zip_equal(op.getLefts(), op.getRights()), isMatrix))
    operands.inPlace =
        hasFewRows(op, op.getResult(0), rowDims, kernel::Decision::InPlaceRows);
  for (auto [p, left, right] : llvm::enumerate(op.getLefts(), op.getRights())) {
    int64_t rank = cast<ShapedType>(left.getType()).getRank();
    Matrix rows = matrix(loc, left, seq(0, rowDims), seq(rowDims, rank));
    if (rows.trans) { // one row after the other
      Buffer dense = allocLike(left);
      copy(loc, bufferFor(left), dense);
      rows = {asMatrix(b, loc, dense, rowDims), false};
    }
    int64_t all = cast<ShapedType>(right.getType()).getRank();
    int64_t from = all - (rank - rowDims);
    SmallVector<int64_t> free = seq(0, from), contract = seq(from, all);
    Matrix weights = matrix(loc, right, contract, free);
    Buffer panels =
        packed(loc, right, weights, free, contract,
               {op.columnsOf(p), op.getNumUnits(), kernel::layoutsOf(op)},
               operands.inPlace);
    if (!panels)
      return op.emitOpError("has a right operand that cannot be packed before "
                            "all loops: it is made in one, or its sizes are "
                            "not known");
    operands.lefts.push_back(rows.buffer.memref);
    operands.rights.push_back(panels.memref);
    if (operands.inPlace)
      operands.matrices.push_back(weights.buffer.memref);
  }
  return success();
}

/// The list of rows that are computed; null: all.
Value Emitter::rowsThatCount(kernel::PhaseOp op) {
  if (!op.getLengths())
    return {};
  if (op.getNumRowDims() == 1)
    return validRows[op->getParentOp()];
  if (!isConstantIntValue(op.getAt(), 0)) {
    op.emitOpError("begins at a step that is not the first");
    failed = true;
  }
  return listOfPlaces(op.getLoc(), op.getLengths(),
                      sizes.get(op.getOuts().front(), 0));
}

/// The number of the step, where there is one and weights are read in it. Alone
/// a phase has number 0: it is the same kernel then.
Value Emitter::turnOf(kernel::PhaseOp op) {
  if (op.getLefts().empty() || op.getNumRowDims() != 1)
    return {};
  auto loop = dyn_cast<scan::LoopOp>(op->getParentOp());
  return loop ? scalar(loop.getStep()) : sizes.constant(0);
}

/// What is zero in the rows that are not computed.
void Emitter::zeroPastEnd(kernel::PhaseOp op, const Buffer &place) {
  bool overTime = op.getNumRowDims() == 2;
  kernel::MaskRowsOp::create(
      b, op.getLoc(), place.memref, bufferFor(op.getLengths()).memref,
      overTime ? Value() : scalar(op.getAt()), /*previous=*/Value(),
      /*batch_dim=*/overTime ? 1 : 0,
      overTime ? b.getI64IntegerAttr(0) : IntegerAttr());
}

/// A phase with products or with rows that are combined or left out: its right
/// operands are packed before all loops.
void Emitter::emitPhase(kernel::PhaseOp op) {
  Location loc = op.getLoc();
  bool hasProducts = !op.getLefts().empty();
  SmallVector<Value> inputs, outs;
  Operands operands;
  if (hasProducts &&
      (!isScheduled(op) || mlir::failed(packOperands(op, operands)))) {
    failed = true;
    return;
  }
  for (Value input : op.getInputs())
    inputs.push_back(bufferFor(input).memref);
  SmallVector<unsigned> sources;
  SmallVector<int64_t> perRow;
  for (OpResult result : op.getResults())
    for (const Buffer &place : placesOf(result)) {
      if (op.isPerRow(result.getResultNumber()))
        perRow.push_back(outs.size());
      outs.push_back(place.memref);
      sources.push_back(result.getResultNumber());
    }
  auto made = kernel::PhaseOp::create(
      b, loc, TypeRange(), operands.lefts, operands.rights, inputs, outs,
      /*lengths=*/Value(), /*at=*/Value(), rowsThatCount(op), turnOf(op),
      operands.inPlace, operands.matrices, op.getColumns(), op.getMaps(),
      perRow.empty() ? DenseI64ArrayAttr() : b.getDenseI64ArrayAttr(perRow),
      /*zeros=*/DenseI64ArrayAttr(), op.getUnitsAttr(),
      /*stored_bits=*/DenseI64ArrayAttr(),
      hasProducts ? b.getUnitAttr() : UnitAttr());
  kernel::copySchedules(op, made);
  // Behind the phase, which may make them where it finds an input.
  for (auto [source, out] : llvm::zip_equal(sources, outs))
    if (op.isZeroPastEnd(source))
      zeroPastEnd(op, wholeBuffer(out));
  OpBuilder::InsertionGuard guard(b);
  Block *body = b.createBlock(&made.getBody());
  for (Type type : op.getBody().front().getArgumentTypes())
    body->addArgument(storedType(type), loc);
  SmallVector<Value> all, yielded;
  cloneBody(op.getBody().front(), body->getArguments(), all);
  for (unsigned i : sources)
    yielded.push_back(all[i]);
  kernel::YieldOp::create(b, loc, yielded);
}

} // namespace rnnc
