// GemmCode.cpp: the code that matrix product routines are written with.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "GemmCode.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace rnnc {

Value GemmCode::address(Value pointer, Value at) {
  return LLVM::GEPOp::create(b, loc, pointer.getType(), element, pointer,
                             ArrayRef<LLVM::GEPArg>{at});
}

Value GemmCode::byteAddress(Value pointer, Value bytes) {
  return LLVM::GEPOp::create(b, loc, pointer.getType(), b.getI8Type(), pointer,
                             ArrayRef<LLVM::GEPArg>{bytes});
}

Value GemmCode::addressOfStored(Value pointer, Value at) {
  Type type = shape.stored == 16 ? Type(b.getI16Type()) : element;
  return LLVM::GEPOp::create(b, loc, pointer.getType(), type, pointer,
                             ArrayRef<LLVM::GEPArg>{at});
}

Type likeWith(Type type, Type element) {
  auto vector = dyn_cast<VectorType>(type);
  return vector ? Type(vector.clone(element)) : element;
}

static Value integer(OpBuilder &b, Location loc, Type type, uint32_t n) {
  TypedAttr attr = b.getI32IntegerAttr(int32_t(n));
  if (auto shaped = dyn_cast<ShapedType>(type))
    attr = DenseElementsAttr::get(shaped, Attribute(attr));
  return arith::ConstantOp::create(b, loc, attr);
}

Value GemmCode::kStored(Value k) {
  if (shape.stored == 8)
    return add(ceilDiv(k, i64(4)), i64(2));
  return shape.stored ? add(k, remainder(k, i64(2))) : k;
}

Value GemmCode::kOfTiles(Value k) {
  return shape.stored == 8 ? add(k, i64(2)) : kStored(k);
}

Value GemmCode::addressOfWord(Value pointer, Value at) {
  return LLVM::GEPOp::create(b, loc, pointer.getType(), b.getI32Type(), pointer,
                             ArrayRef<LLVM::GEPArg>{at});
}

/// bf16 is the upper half of an f32.
Value GemmCode::loadStored(Value pointer, bool second, bool keep) {
  if (!shape.stored)
    return loadVector(pointer);
  if (shape.stored == 8)
    return load(likeWith(vector, b.getI32Type()), pointer);
  // Volatile, lest LLVM keeps the first load in a register for it.
  if (second)
    return LLVM::LoadOp::create(b, loc, vector, pointer, 4,
                                /*isVolatile=*/!keep);
  Type words = likeWith(vector, b.getI32Type());
  Value both = LLVM::LoadOp::create(b, loc, words, pointer, 4);
  Value low = arith::ShLIOp::create(b, loc, both, integer(b, loc, words, 16));
  return arith::BitcastOp::create(b, loc, vector, low);
}

/// The bits of bf16: rounded to the nearest, to even where two are; what is no
/// number stays so.
static Value bitsOfBF16(OpBuilder &b, Location loc, Value v) {
  Type words = likeWith(v.getType(), b.getI32Type());
  auto number = [&](uint32_t n) { return integer(b, loc, words, n); };
  Value bits = arith::BitcastOp::create(b, loc, words, v);
  Value upper = arith::ShRUIOp::create(b, loc, bits, number(16));
  Value odd = arith::AndIOp::create(b, loc, upper, number(1));
  Value more = arith::AddIOp::create(b, loc, odd, number(0x7fff));
  Value rounded = arith::ShRUIOp::create(
      b, loc, arith::AddIOp::create(b, loc, bits, more), number(16));
  Value none = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UNO, v, v);
  Value quiet = arith::OrIOp::create(b, loc, upper, number(0x40));
  return arith::SelectOp::create(b, loc, none, quiet, rounded);
}

/// The word nearest to a number among those with these lower 16 bits. Its size
/// counts as an integer, and is not below zero; what is no number stays so.
static Value wordNear(OpBuilder &b, Location loc, Value v, Value low) {
  Type words = low.getType();
  auto number = [&](uint32_t n) { return integer(b, loc, words, n); };
  Value bits = arith::BitcastOp::create(b, loc, words, v);
  Value size = arith::AndIOp::create(b, loc, bits, number(0x7fffffff));
  Value sign = arith::AndIOp::create(b, loc, bits, number(0x80000000u));
  Value behind = arith::SubIOp::create(
      b, loc, arith::AddIOp::create(b, loc, size, number(0x8000)), low);
  Value upper = arith::AndIOp::create(
      b, loc, arith::MaxSIOp::create(b, loc, behind, number(0)),
      number(0x7fff0000));
  // Nothing finite becomes infinite.
  Value isLast = arith::AndIOp::create(
      b, loc,
      arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sge, upper,
                            number(0x7f800000)),
      arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, size,
                            number(0x7f800000)));
  upper = arith::SelectOp::create(b, loc, isLast, number(0x7f7f0000), upper);
  Value none = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UNO, v, v);
  upper = arith::SelectOp::create(b, loc, none, number(0x7fc00000), upper);
  return arith::OrIOp::create(b, loc, arith::OrIOp::create(b, loc, upper, sign),
                              low);
}

void GemmCode::writePairs(Value k, function_ref<Value(Value)> load,
                          function_ref<Value(Value)> to) {
  auto bitsOf = [&](Value step) { return bitsOfBF16(b, loc, load(step)); };
  auto upperOf = [&](Value step, Value low) -> Value {
    if (!hasPairs)
      return wordNear(b, loc, load(step), low);
    Type word = low.getType();
    return arith::OrIOp::create(
        b, loc, low,
        arith::ShLIOp::create(b, loc, bitsOf(step), integer(b, loc, word, 16)));
  };
  Value odd = remainder(k, i64(2)), pairs = sub(k, odd);
  loop(i64(0), pairs, i64(2), [&](Value step) {
    Value word = upperOf(add(step, i64(1)), bitsOf(step));
    LLVM::StoreOp::create(b, loc, word, to(step), 4);
  });
  ifThenElse(equal(odd, i64(1)), [&] {
    LLVM::StoreOp::create(b, loc, bitsOf(pairs), to(pairs), 4);
  });
}

Value GemmCode::loadIndex(Value pointer, unsigned i) {
  Value at = LLVM::GEPOp::create(b, loc, pointer.getType(), b.getI64Type(),
                                 pointer, ArrayRef<LLVM::GEPArg>{int32_t(i)});
  return LLVM::LoadOp::create(b, loc, b.getI64Type(), at);
}

Value GemmCode::addressOfIndex(Value pointer, Value i) {
  return LLVM::GEPOp::create(b, loc, pointer.getType(), b.getI64Type(), pointer,
                             ArrayRef<LLVM::GEPArg>{i});
}

Value GemmCode::loadIndex(Value pointer, Value i) {
  return LLVM::LoadOp::create(b, loc, b.getI64Type(),
                              addressOfIndex(pointer, i));
}

void GemmCode::storeIndex(Value v, Value pointer, Value i) {
  LLVM::StoreOp::create(b, loc, v, addressOfIndex(pointer, i));
}

Value GemmCode::allocateIndices(int64_t count) {
  return LLVM::AllocaOp::create(b, loc,
                                LLVM::LLVMPointerType::get(b.getContext()),
                                b.getI64Type(), i64(count), /*alignment=*/64);
}

Value GemmCode::isNull(Value pointer) {
  Value null = LLVM::ZeroOp::create(b, loc, pointer.getType());
  return LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::eq, pointer, null);
}

Value GemmCode::load(Type type, Value pointer) {
  return LLVM::LoadOp::create(b, loc, type, pointer, alignment());
}

void GemmCode::store(Value v, Value pointer) {
  LLVM::StoreOp::create(b, loc, v, pointer, alignment());
}

Value GemmCode::mask(Value left) { return laneMask(b, loc, shape.lanes, left); }

Value GemmCode::loadMasked(Value pointer, Value mask) {
  return LLVM::MaskedLoadOp::create(b, loc, Type(vector), pointer, mask, zero(),
                                    uint32_t(alignment()));
}

void GemmCode::storeMasked(Value v, Value pointer, Value mask) {
  LLVM::MaskedStoreOp::create(b, loc, v, pointer, mask, uint32_t(alignment()));
}

void GemmCode::fetch(Value pointer) {
  LLVM::Prefetch::create(b, loc, pointer, /*rw=*/0, /*hint=*/2, /*cache=*/1);
}

void GemmCode::fillZero(Value pointer, Value count) {
  Value rest = remainder(count, i64(shape.lanes)), end = sub(count, rest);
  loop(i64(0), end, i64(shape.lanes),
       [&](Value j) { store(zero(), address(pointer, j)); });
  ifThenElse(less(i64(0), rest),
             [&] { storeMasked(zero(), address(pointer, end), mask(rest)); });
}

Value GemmCode::splat(Value scalar) {
  return vector::BroadcastOp::create(b, loc, vector, scalar);
}

Value GemmCode::zero() {
  return arith::ConstantOp::create(b, loc, b.getZeroAttr(vector));
}

Value GemmCode::fma(Value x, Value y, Value z) {
  if (hasFma)
    return math::FmaOp::create(b, loc, x, y, z);
  return addf(arith::MulFOp::create(b, loc, x, y), z);
}

GemmCode::Values GemmCode::loop(Value from, Value to, Value step,
                                ValueRange init,
                                function_ref<Values(Value, ValueRange)> body) {
  return Values(buildLoop(b, loc, from, to, step, init, body).getResults());
}

void GemmCode::loop(Value from, Value to, Value step,
                    function_ref<void(Value)> body) {
  loop(from, to, step, {}, [&](Value iv, ValueRange) -> Values {
    body(iv);
    return {};
  });
}

void GemmCode::ifThenElse(Value condition, function_ref<void()> yes,
                          function_ref<void()> no) {
  buildIf(b, loc, condition, yes, no);
}

void GemmCode::call(func::FuncOp callee, ValueRange args) {
  func::CallOp::create(b, loc, callee, args);
}

Value GemmCode::members(Value context) {
  auto module =
      b.getInsertionBlock()->getParentOp()->getParentOfType<ModuleOp>();
  Value all =
      LLVM::CallOp::create(b, loc, membersFunction(module), ValueRange{context})
          .getResult();
  return min(all, i64(shape.tasks));
}

/// Rounds of shuffles, each exchanging halves of blocks twice as large.
GemmCode::Values GemmCode::transposeSquare(Values v) {
  for (int64_t width = 1; width != kSquare; width *= 2) {
    Values next(kSquare);
    for (int64_t i = 0; i != kSquare; ++i) {
      if (i & width)
        continue;
      SmallVector<int64_t> low, high;
      for (int64_t c = 0; c != kSquare; ++c) {
        bool second = c & width;
        low.push_back(second ? kSquare + (c - width) : c);
        high.push_back(second ? kSquare + c : c + width);
      }
      Value x = v[i], y = v[i + width];
      next[i] = vector::ShuffleOp::create(b, loc, x, y, low);
      next[i + width] = vector::ShuffleOp::create(b, loc, x, y, high);
    }
    v = next;
  }
  return v;
}

} // namespace rnnc
