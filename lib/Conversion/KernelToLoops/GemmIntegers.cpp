// GemmIntegers.cpp: products of numbers that are stored as integers of 8 bits.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A number is an integer q, -127 to 127, times a scale: that of its column for
// weights, that of its row for the left operand, whose bytes are q + 128, as
// the instructions want it that multiply bytes. Sums of products are exact, in
// whatever order, and lose the 128 again by what they begin with.

#include "GemmCode.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace rnnc {

static Value number(OpBuilder &b, Location loc, Type type, int64_t n) {
  return arith::ConstantOp::create(
      b, loc,
      isa<VectorType>(type)
          ? TypedAttr(DenseElementsAttr::get(
                cast<VectorType>(type),
                b.getIntegerAttr(getElementTypeOrSelf(type), n)))
          : TypedAttr(b.getIntegerAttr(type, n)));
}

//===----------------------------------------------------------------------===//
// Tiles
//===----------------------------------------------------------------------===//

Value GemmCode::zeroSum() {
  if (shape.stored != 8)
    return zero();
  return number(b, loc, likeWith(vector, b.getI32Type()), 0);
}

Value GemmCode::splatLeft(Value pointer) {
  if (shape.stored != 8)
    return splat(loadScalar(pointer));
  return vector::BroadcastOp::create(b, loc, vector.clone(b.getI32Type()),
                                     load(b.getI32Type(), pointer));
}

/// z + x y of pairs of 16 bits, those of one word added: one instruction where
/// there is one.
static Value addPairs(OpBuilder &b, Location loc, Value x, Value y, Value z) {
  auto pairs = cast<VectorType>(x.getType());
  Type wide = pairs.clone(b.getI32Type());
  Value product =
      arith::MulIOp::create(b, loc, arith::ExtSIOp::create(b, loc, wide, x),
                            arith::ExtSIOp::create(b, loc, wide, y));
  SmallVector<int64_t> even, odd;
  for (int64_t i = 0; i != pairs.getNumElements(); i += 2) {
    even.push_back(i);
    odd.push_back(i + 1);
  }
  Value sum = arith::AddIOp::create(
      b, loc, vector::ShuffleOp::create(b, loc, product, product, even),
      vector::ShuffleOp::create(b, loc, product, product, odd));
  return arith::AddIOp::create(b, loc, sum, z);
}

/// z + x y of the four bytes of each word, those of x without a sign.
static Value addWords(OpBuilder &b, Location loc, Value x, Value y, Value z) {
  int64_t lanes = cast<VectorType>(z.getType()).getNumElements();
  auto pairs = VectorType::get({2 * lanes}, b.getI16Type());
  Value byte = number(b, loc, pairs, 8);
  x = vector::BitCastOp::create(b, loc, pairs, x);
  y = vector::BitCastOp::create(b, loc, pairs, y);
  Value xOdd = arith::ShRUIOp::create(b, loc, x, byte);
  Value xEven = arith::AndIOp::create(b, loc, x, number(b, loc, pairs, 255));
  Value yOdd = arith::ShRSIOp::create(b, loc, y, byte);
  Value yEven = arith::ShRSIOp::create(
      b, loc, arith::ShLIOp::create(b, loc, y, byte), byte);
  return addPairs(b, loc, xOdd, yOdd, addPairs(b, loc, xEven, yEven, z));
}

Value GemmCode::multiplyAdd(Value x, Value y, Value z) {
  if (shape.stored != 8)
    return fma(x, y, z);
  if (!hasDots)
    return addWords(b, loc, x, y, z);
  unsigned bits = shape.lanes * 32;
  auto bytes = VectorType::get({int64_t(shape.lanes) * 4}, b.getI8Type());
  std::string name = "llvm.x86.avx512.vpdpbusd." + std::to_string(bits);
  return LLVM::CallIntrinsicOp::create(
             b, loc, z.getType(), b.getStringAttr(name),
             ValueRange{z, vector::BitCastOp::create(b, loc, bytes, x),
                        vector::BitCastOp::create(b, loc, bytes, y)})
      .getResult(0);
}

Value GemmCode::addSums(Value x, Value y) {
  return shape.stored == 8 ? Value(arith::AddIOp::create(b, loc, x, y))
                           : addf(x, y);
}

Value GemmCode::sumOf(Value sum, Value correction, Value columnScale,
                      Value rowScale) {
  Value exact =
      arith::AddIOp::create(b, loc, sum, load(sum.getType(), correction));
  Value scale = arith::MulFOp::create(b, loc, splat(loadScalar(rowScale)),
                                      loadVector(columnScale));
  return arith::MulFOp::create(
      b, loc, arith::SIToFPOp::create(b, loc, vector, exact), scale);
}

//===----------------------------------------------------------------------===//
// Packing
//===----------------------------------------------------------------------===//

namespace {

/// The integers of some numbers, of which the largest is known.
class IntegerScale {
public:
  /// `largest`: the bits of the largest absolute value.
  IntegerScale(GemmCode &e, Value largest) : e(e) {
    OpBuilder &b = e.b;
    Location loc = e.loc;
    Type word = b.getI32Type();
    auto constant = [&](float v) {
      return arith::ConstantOp::create(b, loc, b.getF32FloatAttr(v));
    };
    auto less = [&](int64_t bits) -> Value {
      return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, largest,
                                   number(b, loc, word, bits));
    };
    constexpr int64_t kInfinity = 0x7f800000;
    // 127 divided by less than this is infinite, or nearly so.
    constexpr int64_t kTiny = 0x0d800000; // 2^-100
    Value value = arith::BitcastOp::create(b, loc, b.getF32Type(), largest);
    Value isFinite = less(kInfinity), isTiny = less(kTiny);
    Value none = arith::ConstantOp::create(
        b, loc,
        b.getFloatAttr(b.getF32Type(),
                       APFloat::getNaN(b.getF32Type().getFloatSemantics())));
    scale = e.select(isFinite,
                     arith::DivFOp::create(b, loc, value, constant(127)), none);
    Value some = e.select(isTiny, e.flag(false), isFinite);
    keep = e.select(some, number(b, loc, word, -1), number(b, loc, word, 0));
    inverse = e.select(
        some, arith::DivFOp::create(b, loc, constant(127), value), constant(0));
  }

  /// Of a number or a vector: an integer, or integers, of 32 bits. What has no
  /// scale becomes zero.
  Value operator()(Value v) {
    OpBuilder &b = e.b;
    Location loc = e.loc;
    Type words = likeWith(v.getType(), b.getI32Type());
    auto spread = [&](Value scalar, Type type) -> Value {
      return isa<VectorType>(type)
                 ? Value(vector::BroadcastOp::create(b, loc, type, scalar))
                 : scalar;
    };
    Value bits = arith::AndIOp::create(
        b, loc, arith::BitcastOp::create(b, loc, words, v),
        spread(keep, words));
    Value scaled = arith::MulFOp::create(
        b, loc, arith::BitcastOp::create(b, loc, v.getType(), bits),
        spread(inverse, v.getType()));
    return arith::FPToSIOp::create(b, loc, words,
                                   math::RoundEvenOp::create(b, loc, scaled));
  }

  Value scale;

private:
  GemmCode &e;
  Value inverse, keep;
};

/// The bits of the absolute value: their order is that of the values, what is
/// no number last.
Value sizeOf(OpBuilder &b, Location loc, Value v) {
  Type words = likeWith(v.getType(), b.getI32Type());
  return arith::AndIOp::create(b, loc,
                               arith::BitcastOp::create(b, loc, words, v),
                               number(b, loc, words, 0x7fffffff));
}

} // namespace

void GemmCode::writeWords(Value k, function_ref<Value(Value)> read,
                          function_ref<Value(Value)> to) {
  Type word = b.getI32Type();
  Value zero = number(b, loc, word, 0), one = i64(1), four = i64(4);
  Value largest = loop(i64(0), k, one, zero, [&](Value s, ValueRange in) {
    return Values{
        arith::MaxSIOp::create(b, loc, in[0], sizeOf(b, loc, read(s)))};
  })[0];
  IntegerScale scale(*this, largest);
  Value words = ceilDiv(k, four);
  Value sum = loop(i64(0), words, one, zero, [&](Value w, ValueRange in) {
    Value first = mul(w, four), end = min(add(first, four), k);
    // Bytes come in at the upper end.
    Values bytes =
        loop(first, end, one, {zero, in[0]}, [&](Value s, ValueRange at) {
          Value q = scale(read(s));
          Value moved =
              arith::ShRUIOp::create(b, loc, at[0], number(b, loc, word, 8));
          Value upper =
              arith::ShLIOp::create(b, loc, q, number(b, loc, word, 24));
          return Values{either(moved, upper), add(at[1], q)};
        });
    Value missing = mul(sub(four, sub(end, first)), i64(8));
    // No shift is by 32: a word has a byte.
    Value all = arith::ShRUIOp::create(
        b, loc, bytes[0], arith::TruncIOp::create(b, loc, word, missing));
    LLVM::StoreOp::create(b, loc, all, to(w), 4);
    return Values{bytes[1]};
  })[0];
  LLVM::StoreOp::create(b, loc, mul(sum, number(b, loc, word, -128)), to(words),
                        4);
  LLVM::StoreOp::create(b, loc, scale.scale, to(add(words, one)), 4);
}

void GemmCode::writeStored(Value column, Value rs, Value k, Value panel,
                           Value stride, Value within) {
  auto read = [&](Value s) { return loadScalar(address(column, mul(s, rs))); };
  auto to = [&](Value at) {
    return addressOfWord(addressOfStored(panel, mul(at, stride)), within);
  };
  if (shape.stored == 8)
    return writeWords(k, read, to);
  writePairs(k, read, to);
}

void GemmCode::writeQuantized(Value row, Value k, Value to) {
  Type words = vector.clone(b.getI32Type());
  Value zero = i64(0), one = i64(1), step = i64(shape.lanes);
  Value whole = sub(k, remainder(k, step));
  Value most = loop(
      zero, whole, step, number(b, loc, words, 0), [&](Value s, ValueRange in) {
        Value v = loadVector(address(row, s));
        return Values{arith::MaxSIOp::create(b, loc, in[0], sizeOf(b, loc, v))};
      })[0];
  Value largest =
      vector::ReductionOp::create(b, loc, vector::CombiningKind::MAXSI, most);
  largest = loop(whole, k, one, largest, [&](Value s, ValueRange in) {
    Value v = loadScalar(address(row, s));
    return Values{arith::MaxSIOp::create(b, loc, in[0], sizeOf(b, loc, v))};
  })[0];
  IntegerScale scale(*this, largest);
  auto write = [&](Value v, Value s) {
    Value q = scale(v);
    Value raised =
        arith::AddIOp::create(b, loc, q, number(b, loc, q.getType(), 128));
    Value bytes = arith::TruncIOp::create(
        b, loc, likeWith(q.getType(), b.getI8Type()), raised);
    LLVM::StoreOp::create(b, loc, bytes, byteAddress(to, s), 1);
  };
  Value count = ceilDiv(k, i64(4));
  // Bytes behind the last number are none of what lay there before.
  LLVM::StoreOp::create(b, loc, number(b, loc, b.getI32Type(), 0),
                        addressOfWord(to, sub(count, one)), 4);
  loop(zero, whole, step,
       [&](Value s) { write(loadVector(address(row, s)), s); });
  loop(whole, k, one, [&](Value s) { write(loadScalar(address(row, s)), s); });
  LLVM::StoreOp::create(b, loc, scale.scale, addressOfWord(to, count), 4);
}

func::FuncOp GemmLibrary::quantize(Type element) {
  return routine("quantize", std::to_string(shape.lanes), element, "plplll",
                 [](GemmCode &e, ValueRange args) {
                   Value from = args[0], to = args[2];
                   e.loop(e.i64(0), args[4], e.i64(1), [&](Value r) {
                     e.writeQuantized(e.address(from, e.mul(r, args[1])),
                                      args[5],
                                      e.address(to, e.mul(r, args[3])));
                   });
                 });
}

} // namespace rnnc
