// GenericToLoops.cpp: linalg.generic on memrefs as vector loops.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One loop dimension is chosen to run through the vector lanes: the one along
// which most operands are contiguous. The others become scalar loops, parallel
// ones outside, reduced ones inside. Where the vector dimension is parallel a
// reduction adds up whole vectors; where it is reduced, a fixed number of
// vector accumulators is combined in a fixed tree, so the result depends on
// the sizes and the target only.

#include "rnnc/Conversion/KernelToLoops/KernelToLoops.h"

#include "Lowering.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;

namespace rnnc {
namespace {

using Values = SmallVector<Value>;

/// How an operand meets the vector dimension.
enum class Access { Invariant, Contiguous, Strided };

bool isStaticSize(int64_t size) { return !ShapedType::isDynamic(size); }

/// Lowers one op.
class GenericLowering {
public:
  GenericLowering(linalg::GenericOp op, const LoopTarget &target)
      : op(op), target(target), b(op), loc(op.getLoc()) {}

  LogicalResult run();

private:
  // Choices.
  void findSizes();
  void findReductions();
  void chooseVectorDim();
  int scoreOf(unsigned dim);
  Access accessOf(OpOperand &operand);
  bool combinersKnown();

  // Loops.
  Values loop(Value lb, Value ub, Value step, ValueRange init,
              function_ref<Values(Value, ValueRange)> body);
  void parallelLoops(ArrayRef<unsigned> dims, function_ref<void()> body);
  Values reductionLoops(ArrayRef<unsigned> dims, Values accs,
                        function_ref<Values(Values)> body);
  void vectorParallel();
  void vectorParallelChunk(Value base, unsigned count, Value mask, bool scalar);
  void vectorReduced();
  void allScalar();

  // Pieces.
  struct Lane {
    Value offset;        ///< index along the vector dimension
    Value mask;          ///< set in a masked tail
    bool vector = false; ///< lanes run along the vector dimension
  };
  Values loadOutputs(const Lane &lane, ArrayRef<unsigned> which);
  void storeOutput(unsigned number, Value value, const Lane &lane);
  Values computeBody(const Lane &lane, ValueRange accs);
  Value load(OpOperand &operand, const Lane &lane);
  Values indicesOf(OpOperand &operand, const Lane &lane);
  Value widen(Value v);
  Value combineLanes(Value vec, unsigned output);
  Value combine(unsigned output, Value x, Value y);
  Value neutral(unsigned output, Type type);
  Value index(int64_t v) { return arith::ConstantIndexOp::create(b, loc, v); }
  Value add(Value x, Value y) {
    return b.createOrFold<arith::AddIOp>(loc, x, y);
  }
  Value maskFor(Value left) {
    return vector::CreateMaskOp::create(
        b, loc, VectorType::get({int64_t(lanes)}, b.getI1Type()), left);
  }

  linalg::GenericOp op;
  const LoopTarget &target;
  OpBuilder b;
  Location loc;
  SmallVector<int64_t> staticSizes;
  Values sizes, ivs;
  SmallVector<unsigned> parallel, reduced; ///< loop dims but the vector one
  SmallVector<unsigned> accumulated;       ///< outputs that are reductions
  int vecDim = -1;
  unsigned lanes = 1;
  bool vecReduced = false;
  bool mixed = false; ///< outputs with different reduced dims: plain loops
};

void GenericLowering::findSizes() {
  unsigned n = op.getNumLoops();
  sizes.assign(n, Value());
  ivs.assign(n, Value());
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
    for (auto [i, e] : llvm::enumerate(map.getResults()))
      if (auto d = dyn_cast<AffineDimExpr>(e); d && d.getPosition() == dim) {
        bool unit = i + 1 == map.getNumResults() && strides[i] == 1;
        score += unit ? (isOut ? 3 : 2) : (isOut ? -3 : -2);
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
    lanes = std::max(1u, target.vectorBits / std::max(8u, width));
  if (lanes == 1)
    vecDim = -1;
  if (vecDim >= 0) {
    vecReduced = llvm::is_contained(reduced, unsigned(vecDim));
    auto isVec = [&](unsigned d) { return int(d) == vecDim; };
    llvm::erase_if(parallel, isVec);
    llvm::erase_if(reduced, isVec);
  }
}

Access GenericLowering::accessOf(OpOperand &operand) {
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

/// The op that adds to output `o`, if it is one we can combine out of order.
Operation *combinerOf(linalg::GenericOp op, unsigned o) {
  auto yield = cast<linalg::YieldOp>(op.getBody()->getTerminator());
  Operation *def = yield.getOperand(o).getDefiningOp();
  BlockArgument acc =
      op.getBody()->getArgument(op.getNumDpsInputs() + o);
  if (!def || def->getNumOperands() != 2 || !acc.hasOneUse() ||
      !llvm::is_contained(def->getOperands(), acc))
    return nullptr;
  if (isa<arith::AddFOp, arith::MulFOp, arith::MaximumFOp, arith::MinimumFOp,
          arith::MaxNumFOp, arith::MinNumFOp, arith::AddIOp, arith::MulIOp,
          arith::AndIOp, arith::OrIOp, arith::MaxSIOp, arith::MinSIOp>(def))
    return def;
  return nullptr;
}

bool GenericLowering::combinersKnown() {
  return llvm::all_of(accumulated,
                      [&](unsigned o) { return combinerOf(op, o) != nullptr; });
}

Value GenericLowering::neutral(unsigned output, Type type) {
  Operation *def = combinerOf(op, output);
  arith::AtomicRMWKind kind =
      llvm::TypeSwitch<Operation *, arith::AtomicRMWKind>(def)
          .Case<arith::AddFOp>([](auto) { return arith::AtomicRMWKind::addf; })
          .Case<arith::MulFOp>([](auto) { return arith::AtomicRMWKind::mulf; })
          .Case<arith::MaximumFOp>(
              [](auto) { return arith::AtomicRMWKind::maximumf; })
          .Case<arith::MinimumFOp>(
              [](auto) { return arith::AtomicRMWKind::minimumf; })
          .Case<arith::MaxNumFOp>(
              [](auto) { return arith::AtomicRMWKind::maxnumf; })
          .Case<arith::MinNumFOp>(
              [](auto) { return arith::AtomicRMWKind::minnumf; })
          .Case<arith::AddIOp>([](auto) { return arith::AtomicRMWKind::addi; })
          .Case<arith::MulIOp>([](auto) { return arith::AtomicRMWKind::muli; })
          .Case<arith::AndIOp>([](auto) { return arith::AtomicRMWKind::andi; })
          .Case<arith::OrIOp>([](auto) { return arith::AtomicRMWKind::ori; })
          .Case<arith::MaxSIOp>([](auto) { return arith::AtomicRMWKind::maxs; })
          .Default([](auto) { return arith::AtomicRMWKind::mins; });
  Type element = getElementTypeOrSelf(type);
  TypedAttr value;
  if (kind == arith::AtomicRMWKind::addf)
    value = b.getFloatAttr(element, 0.0);
  else if (kind == arith::AtomicRMWKind::maximumf ||
           kind == arith::AtomicRMWKind::maxnumf)
    value = b.getFloatAttr(
        element, APFloat::getInf(cast<FloatType>(element).getFloatSemantics(),
                                 /*Negative=*/true));
  else if (kind == arith::AtomicRMWKind::minimumf ||
           kind == arith::AtomicRMWKind::minnumf)
    value = b.getFloatAttr(
        element, APFloat::getInf(cast<FloatType>(element).getFloatSemantics()));
  else
    value = arith::getIdentityValueAttr(kind, element, b, loc);
  Value scalar = arith::ConstantOp::create(b, loc, value);
  if (isa<VectorType>(type))
    return vector::BroadcastOp::create(b, loc, type, scalar);
  return scalar;
}

Value GenericLowering::combine(unsigned output, Value x, Value y) {
  OperationState state(loc, combinerOf(op, output)->getName());
  state.addOperands({x, y});
  state.addTypes(x.getType());
  return b.create(state)->getResult(0);
}

/// Folds the lanes of a vector: halves onto halves.
Value GenericLowering::combineLanes(Value vec, unsigned output) {
  for (unsigned width = lanes; width > 1; width /= 2) {
    SmallVector<int64_t> low, high;
    for (unsigned i = 0; i != width / 2; ++i) {
      low.push_back(i);
      high.push_back(i + width / 2);
    }
    Value l = vector::ShuffleOp::create(b, loc, vec, vec, low);
    Value h = vector::ShuffleOp::create(b, loc, vec, vec, high);
    vec = combine(output, l, h);
  }
  return vector::ExtractOp::create(b, loc, vec, 0);
}

Values GenericLowering::loop(Value lb, Value ub, Value step, ValueRange init,
                             function_ref<Values(Value, ValueRange)> body) {
  auto bound = [](Value v) { return getConstantIntValue(v); };
  if (bound(lb) && bound(ub) && bound(step)) {
    int64_t span = *bound(ub) - *bound(lb);
    if (span <= 0)
      return Values(init);
    if (span <= *bound(step))
      return body(lb, init);
  }
  auto loop = scf::ForOp::create(b, loc, lb, ub, step, init);
  OpBuilder::InsertionGuard guard(b);
  if (init.empty()) {
    b.setInsertionPoint(loop.getBody()->getTerminator());
    body(loop.getInductionVar(), {});
    return {};
  }
  b.setInsertionPointToEnd(loop.getBody());
  Values next = body(loop.getInductionVar(), loop.getRegionIterArgs());
  scf::YieldOp::create(b, loc, next);
  return Values(loop.getResults());
}

void GenericLowering::parallelLoops(ArrayRef<unsigned> dims,
                                    function_ref<void()> body) {
  if (dims.empty())
    return body();
  unsigned d = dims.front();
  loop(index(0), sizes[d], index(1), {}, [&](Value iv, ValueRange) -> Values {
    ivs[d] = iv;
    parallelLoops(dims.drop_front(), body);
    return {};
  });
}

Values GenericLowering::reductionLoops(ArrayRef<unsigned> dims, Values accs,
                                       function_ref<Values(Values)> body) {
  if (dims.empty())
    return body(accs);
  unsigned d = dims.front();
  return loop(index(0), sizes[d], index(1), accs,
              [&](Value iv, ValueRange inner) -> Values {
                ivs[d] = iv;
                return reductionLoops(dims.drop_front(), Values(inner), body);
              });
}

Values GenericLowering::indicesOf(OpOperand &operand, const Lane &lane) {
  AffineMap map = op.getMatchingIndexingMap(&operand);
  Values result;
  for (AffineExpr e : map.getResults()) {
    if (auto c = dyn_cast<AffineConstantExpr>(e)) {
      result.push_back(index(c.getValue()));
      continue;
    }
    unsigned d = cast<AffineDimExpr>(e).getPosition();
    result.push_back(int(d) == vecDim ? lane.offset : ivs[d]);
  }
  return result;
}

Value GenericLowering::load(OpOperand &operand, const Lane &lane) {
  Value memref = operand.get();
  Values at = indicesOf(operand, lane);
  Access access = accessOf(operand);
  if (!lane.vector || access == Access::Invariant)
    return memref::LoadOp::create(b, loc, memref, at);
  Type element = cast<MemRefType>(memref.getType()).getElementType();
  auto type = VectorType::get({int64_t(lanes)}, element);
  if (access == Access::Contiguous) {
    if (!lane.mask)
      return vector::LoadOp::create(b, loc, type, memref, at);
    Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(type));
    return vector::MaskedLoadOp::create(b, loc, type, memref, at, lane.mask,
                                        zero);
  }
  Values elements;
  for (unsigned i = 0; i != lanes; ++i) {
    Lane one = lane;
    one.offset = add(lane.offset, index(i));
    elements.push_back(
        memref::LoadOp::create(b, loc, memref, indicesOf(operand, one)));
  }
  return vector::FromElementsOp::create(b, loc, type, elements);
}

Values GenericLowering::loadOutputs(const Lane &lane,
                                    ArrayRef<unsigned> which) {
  Values result;
  for (unsigned o : which)
    result.push_back(load(*op.getDpsInitOperand(o), lane));
  return result;
}

Value GenericLowering::widen(Value v) {
  if (isa<VectorType>(v.getType()))
    return v;
  auto type = VectorType::get({int64_t(lanes)}, v.getType());
  return vector::BroadcastOp::create(b, loc, type, v);
}

void GenericLowering::storeOutput(unsigned number, Value value,
                                  const Lane &lane) {
  OpOperand &operand = *op.getDpsInitOperand(number);
  Values at = indicesOf(operand, lane);
  Access access = accessOf(operand);
  if (!lane.vector || access == Access::Invariant) {
    memref::StoreOp::create(b, loc, value, operand.get(), at);
    return;
  }
  value = widen(value);
  if (access == Access::Contiguous) {
    if (lane.mask)
      vector::MaskedStoreOp::create(b, loc, operand.get(), at, lane.mask,
                                    value);
    else
      vector::StoreOp::create(b, loc, value, operand.get(), at);
    return;
  }
  for (unsigned i = 0; i != lanes; ++i) {
    Lane one = lane;
    one.offset = add(lane.offset, index(i));
    Value element = vector::ExtractOp::create(b, loc, value, int64_t(i));
    memref::StoreOp::create(b, loc, element, operand.get(),
                            indicesOf(operand, one));
  }
}

/// Computes the region at the current indices; `accs` are the values of the
/// accumulated outputs. Elementwise outputs are stored, the new values of the
/// accumulated ones are returned.
Values GenericLowering::computeBody(const Lane &lane, ValueRange accs) {
  IRMapping map;
  Block *body = op.getBody();
  for (OpOperand *in : op.getDpsInputOperands()) {
    BlockArgument arg = body->getArgument(in->getOperandNumber());
    if (!arg.use_empty())
      map.map(arg, load(*in, lane));
  }
  unsigned nextAcc = 0;
  for (unsigned o = 0; o != op.getNumDpsInits(); ++o) {
    BlockArgument arg = body->getArgument(op.getNumDpsInputs() + o);
    if (llvm::is_contained(accumulated, o))
      map.map(arg, accs[nextAcc++]);
    else if (!arg.use_empty())
      map.map(arg, load(*op.getDpsInitOperand(o), lane));
  }
  for (Operation &inner : body->without_terminator()) {
    if (auto idx = dyn_cast<linalg::IndexOp>(inner)) {
      unsigned d = idx.getDim();
      Value v = int(d) == vecDim ? lane.offset : ivs[d];
      if (lane.vector && int(d) == vecDim) {
        auto type = VectorType::get({int64_t(lanes)}, b.getIndexType());
        v = arith::AddIOp::create(b, loc, widen(v),
                                  vector::StepOp::create(b, loc, type));
      }
      map.map(idx.getResult(), v);
      continue;
    }
    Values operands;
    bool anyVector = false;
    for (Value v : inner.getOperands()) {
      operands.push_back(map.lookupOrDefault(v));
      anyVector |= isa<VectorType>(operands.back().getType());
    }
    if (!anyVector) {
      b.clone(inner, map);
      continue;
    }
    OperationState state(loc, inner.getName());
    state.addAttributes(inner.getAttrs());
    for (Value v : operands)
      state.addOperands(widen(v));
    for (Type t : inner.getResultTypes())
      state.addTypes(VectorType::get({int64_t(lanes)}, t));
    Operation *wide = b.create(state);
    map.map(inner.getResults(), wide->getResults());
  }
  auto yield = cast<linalg::YieldOp>(body->getTerminator());
  Values result;
  for (unsigned o = 0; o != op.getNumDpsInits(); ++o) {
    Value v = map.lookupOrDefault(yield.getOperand(o));
    if (llvm::is_contained(accumulated, o))
      result.push_back(v);
    else
      storeOutput(o, v, lane);
  }
  return result;
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
  parallelLoops(dims, [&] {
    Values next = computeBody(lane, loadOutputs(lane, accumulated));
    for (auto [o, v] : llvm::zip(accumulated, next))
      storeOutput(o, v, lane);
  });
}

/// One piece of the vector dimension: `count` vectors side by side (or one
/// scalar), with all reduced dimensions inside.
void GenericLowering::vectorParallelChunk(Value base, unsigned count,
                                          Value mask, bool scalar) {
  SmallVector<Lane> pieces;
  for (unsigned u = 0; u != count; ++u) {
    Lane lane;
    lane.offset = u ? add(base, index(u * lanes)) : base;
    lane.mask = mask;
    lane.vector = !scalar;
    pieces.push_back(lane);
  }
  Values accs;
  for (const Lane &lane : pieces)
    for (Value v : loadOutputs(lane, accumulated))
      accs.push_back(scalar ? v : widen(v));
  unsigned each = accumulated.size();
  accs = reductionLoops(reduced, accs, [&](Values in) {
    Values next;
    for (auto [u, lane] : llvm::enumerate(pieces))
      for (Value v :
           computeBody(lane, ArrayRef<Value>(in).slice(u * each, each)))
        next.push_back(scalar ? v : widen(v));
    return next;
  });
  for (auto [u, lane] : llvm::enumerate(pieces))
    for (auto [i, o] : llvm::enumerate(accumulated))
      storeOutput(o, accs[u * each + i], lane);
}

void GenericLowering::vectorParallel() {
  bool strided = llvm::any_of(op->getOpOperands(), [&](OpOperand &operand) {
    return accessOf(operand) == Access::Strided;
  });
  parallelLoops(parallel, [&] {
    Value start = index(0), size = sizes[vecDim];
    int64_t known = staticSizes[vecDim];
    SmallVector<unsigned> counts;
    if (!reduced.empty())
      counts.push_back(4);
    counts.push_back(1);
    for (unsigned count : counts) {
      int64_t step = int64_t(count) * lanes;
      Value end;
      if (isStaticSize(known)) {
        end = index(known / step * step);
      } else {
        Value left = arith::SubIOp::create(b, loc, size, start);
        Value rest = arith::RemUIOp::create(b, loc, left, index(step));
        end = arith::SubIOp::create(b, loc, size, rest);
      }
      loop(start, end, index(step), {}, [&](Value iv, ValueRange) -> Values {
        vectorParallelChunk(iv, count, Value(), /*scalar=*/false);
        return {};
      });
      start = end;
    }
    if (strided) {
      loop(start, size, index(1), {}, [&](Value iv, ValueRange) -> Values {
        vectorParallelChunk(iv, 1, Value(), /*scalar=*/true);
        return {};
      });
      return;
    }
    if (isStaticSize(known) && known % lanes == 0)
      return;
    loop(start, size, index(lanes), {}, [&](Value iv, ValueRange) -> Values {
      Value left = b.createOrFold<arith::SubIOp>(loc, size, iv);
      vectorParallelChunk(iv, 1, maskFor(left), /*scalar=*/false);
      return {};
    });
  });
}

/// The vector dimension is reduced: several accumulators, then the tree.
void GenericLowering::vectorReduced() {
  bool strided = llvm::any_of(op->getOpOperands(), [&](OpOperand &operand) {
    return accessOf(operand) == Access::Strided;
  });
  unsigned unroll = 4;
  int64_t known = staticSizes[vecDim];
  if (isStaticSize(known))
    unroll = std::clamp<int64_t>(known / lanes, 1, 4);
  unsigned each = accumulated.size();
  parallelLoops(parallel, [&] {
    Values accs;
    for (unsigned u = 0; u != unroll; ++u)
      for (unsigned o : accumulated) {
        Type element = getElementTypeOrSelf(op.getDpsInits()[o].getType());
        accs.push_back(
            neutral(o, VectorType::get({int64_t(lanes)}, element)));
      }
    // The scalar tail of strided operands has accumulators of its own.
    if (strided)
      for (unsigned o : accumulated)
        accs.push_back(
            neutral(o, getElementTypeOrSelf(op.getDpsInits()[o].getType())));
    accs = reductionLoops(reduced, accs, [&](Values in) {
      Value size = sizes[vecDim], start = index(0);
      for (unsigned count : {unroll, 1u}) {
        int64_t step = int64_t(count) * lanes;
        Value left = b.createOrFold<arith::SubIOp>(loc, size, start);
        Value rest = b.createOrFold<arith::RemUIOp>(loc, left, index(step));
        Value end = b.createOrFold<arith::SubIOp>(loc, size, rest);
        if (isStaticSize(known))
          end = index(known / step * step);
        in = loop(start, end, index(step), in,
                  [&](Value iv, ValueRange inner) -> Values {
                    Values next(inner);
                    for (unsigned u = 0; u != count; ++u) {
                      Lane lane;
                      lane.vector = true;
                      lane.offset = u ? add(iv, index(u * lanes)) : iv;
                      Values got = computeBody(
                          lane, inner.slice(u * each, each));
                      for (auto [i, v] : llvm::enumerate(got))
                        next[u * each + i] = widen(v);
                    }
                    return next;
                  });
        start = end;
        if (count == 1)
          break;
      }
      if (strided)
        return loop(start, size, index(1), in,
                    [&](Value iv, ValueRange inner) -> Values {
                      Values next(inner);
                      Lane lane;
                      lane.offset = iv;
                      Values got = computeBody(lane, inner.take_back(each));
                      std::copy(got.begin(), got.end(), next.end() - each);
                      return next;
                    });
      if (isStaticSize(known) && known % lanes == 0)
        return in;
      return loop(start, size, index(lanes), in,
                  [&](Value iv, ValueRange inner) -> Values {
                    Values next(inner);
                    Lane lane;
                    lane.vector = true;
                    lane.offset = iv;
                    lane.mask =
                        maskFor(b.createOrFold<arith::SubIOp>(loc, size, iv));
                    Values got = computeBody(lane, inner.take_front(each));
                    for (auto [i, v] : llvm::enumerate(got))
                      next[i] = arith::SelectOp::create(b, loc, lane.mask,
                                                        widen(v), inner[i]);
                    return next;
                  });
    });
    for (auto [i, o] : llvm::enumerate(accumulated)) {
      SmallVector<Value> level;
      for (unsigned u = 0; u != unroll; ++u)
        level.push_back(accs[u * each + i]);
      while (level.size() > 1) {
        SmallVector<Value> up;
        for (unsigned k = 0; k + 1 < level.size(); k += 2)
          up.push_back(combine(o, level[k], level[k + 1]));
        if (level.size() % 2)
          up.push_back(level.back());
        level = up;
      }
      Value total = combineLanes(level.front(), o);
      if (strided)
        total = combine(o, total, accs[unroll * each + i]);
      Lane lane;
      Value before = load(*op.getDpsInitOperand(o), lane);
      storeOutput(o, combine(o, before, total), lane);
    }
  });
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
  if (vecDim < 0)
    allScalar();
  else if (vecReduced)
    vectorReduced();
  else
    vectorParallel();
  op.erase();
  return success();
}

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
      if (!memref::CollapseShapeOp::isGuaranteedCollapsible(
              type, reassociationFor(type.getRank(), *p)))
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
  auto result = linalg::GenericOp::create(b, op.getLoc(), inputs,
                                          op.getDpsInits(), maps,
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
                                  const LoopTarget &target) {
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
