// MathEmitter.h: writes arithmetic on floats of one shape.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_LIB_CONVERSION_EXPANDMATH_MATHEMITTER_H
#define RNNC_LIB_CONVERSION_EXPANDMATH_MATHEMITTER_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"

namespace rnnc {

/// A number in two pieces, high + low.
struct Double2 {
  mlir::Value hi, lo;
};

/// Emits operations on f32 or f64, scalar or vector, at one place. Each
/// function of the class writes the ops that compute its value.
class MathEmitter {
public:
  MathEmitter(mlir::OpBuilder &b, mlir::Location loc, mlir::Type type, bool fma,
              bool fast)
      : b(b), loc(loc), type(type), hasFma(fma), fast(fast),
        wide(mlir::getElementTypeOrSelf(type).isF64()) {}

  // Arithmetic.
  mlir::Value c(double v);
  mlir::Value add(mlir::Value x, mlir::Value y) {
    return make<mlir::arith::AddFOp>(x, y);
  }
  mlir::Value sub(mlir::Value x, mlir::Value y) {
    return make<mlir::arith::SubFOp>(x, y);
  }
  mlir::Value mul(mlir::Value x, mlir::Value y) {
    return make<mlir::arith::MulFOp>(x, y);
  }
  mlir::Value div(mlir::Value x, mlir::Value y) {
    return make<mlir::arith::DivFOp>(x, y);
  }
  mlir::Value neg(mlir::Value x) { return make<mlir::arith::NegFOp>(x); }
  mlir::Value abs(mlir::Value x) { return make<mlir::math::AbsFOp>(x); }
  mlir::Value sqrt(mlir::Value x) { return make<mlir::math::SqrtOp>(x); }
  /// x * y + z; two roundings where the target has no fused form.
  mlir::Value mad(mlir::Value x, mlir::Value y, mlir::Value z);
  /// Polynomial, highest coefficient first.
  mlir::Value poly(mlir::Value x, llvm::ArrayRef<double> coefficients);
  /// The same in pairs of terms, given x squared: as many operations, and half
  /// as many that wait for each other.
  mlir::Value polyInPairs(mlir::Value x, mlir::Value square,
                          llvm::ArrayRef<double> coefficients);
  mlir::Value copysign(mlir::Value magnitude, mlir::Value sign);
  /// The same for what is not negative.
  mlir::Value withSign(mlir::Value x, mlir::Value sign);

  // Choices.
  mlir::Value less(mlir::Value x, mlir::Value y) {
    return make<mlir::arith::CmpFOp>(mlir::arith::CmpFPredicate::OLT, x, y);
  }
  mlir::Value equal(mlir::Value x, mlir::Value y) {
    return make<mlir::arith::CmpFOp>(mlir::arith::CmpFPredicate::OEQ, x, y);
  }
  mlir::Value isNaN(mlir::Value x) {
    return make<mlir::arith::CmpFOp>(mlir::arith::CmpFPredicate::UNO, x, x);
  }
  mlir::Value select(mlir::Value condition, mlir::Value x, mlir::Value y);
  /// The smaller, the larger; NaN in `x` stays.
  mlir::Value atMost(mlir::Value x, double bound);
  mlir::Value atLeast(mlir::Value x, double bound);

  // Bits: integers of the same width.
  mlir::Type intType();
  mlir::Value ic(int64_t v);
  mlir::Value bits(mlir::Value x) {
    return make<mlir::arith::BitcastOp>(intType(), x);
  }
  mlir::Value fromBits(mlir::Value i) {
    return make<mlir::arith::BitcastOp>(type, i);
  }
  mlir::Value iadd(mlir::Value x, mlir::Value y) {
    return make<mlir::arith::AddIOp>(x, y);
  }
  mlir::Value isub(mlir::Value x, mlir::Value y) {
    return make<mlir::arith::SubIOp>(x, y);
  }
  mlir::Value iand(mlir::Value x, mlir::Value y) {
    return make<mlir::arith::AndIOp>(x, y);
  }
  mlir::Value ior(mlir::Value x, mlir::Value y) {
    return make<mlir::arith::OrIOp>(x, y);
  }
  mlir::Value shl(mlir::Value x, int64_t by) {
    return make<mlir::arith::ShLIOp>(x, ic(by));
  }
  mlir::Value ashr(mlir::Value x, int64_t by) {
    return make<mlir::arith::ShRSIOp>(x, ic(by));
  }
  /// An integer of at most a few thousand as a float.
  mlir::Value toFloat(mlir::Value i);
  /// Rounds x, or x * factor, below 2^21 (f32) or 2^50 (f64) to the nearest
  /// integer; gives it as float and as integer.
  std::pair<mlir::Value, mlir::Value> nearest(mlir::Value x);
  std::pair<mlir::Value, mlir::Value> nearest(mlir::Value x, double factor);
  /// 2^n for an integer n of the normal range.
  mlir::Value pow2(mlir::Value n);
  /// x * 2^n, right also where the result is denormal or infinite.
  mlir::Value scale(mlir::Value x, mlir::Value n);

  // Exact sums and products in two pieces.
  Double2 twoSum(mlir::Value x, mlir::Value y);
  Double2 fastTwoSum(mlir::Value x, mlir::Value y);
  Double2 twoProd(mlir::Value x, mlir::Value y);

  // Elementary functions.
  mlir::Value exp(mlir::Value x);
  mlir::Value tanh(mlir::Value x);
  mlir::Value sigmoid(mlir::Value x);
  mlir::Value softplus(mlir::Value x);
  mlir::Value log(mlir::Value x);
  mlir::Value log1p(mlir::Value x);
  mlir::Value erf(mlir::Value x);
  mlir::Value sin(mlir::Value x);
  mlir::Value cos(mlir::Value x);
  mlir::Value pow(mlir::Value x, mlir::Value y);

private:
  template <typename OpT, typename... Args> mlir::Value make(Args... args) {
    return OpT::create(b, loc, args...);
  }

  struct Reduced {
    mlir::Value r;  ///< what is left of the argument
    mlir::Value n;  ///< the multiple taken off, an integer
    mlir::Value nf; ///< the same as a float
  };
  std::pair<mlir::Value, mlir::Value> fromShifted(mlir::Value shifted);
  Reduced reduceExp(mlir::Value x);
  /// The same of -x; `r` is what is left of x.
  Reduced reduceExpOfMinus(mlir::Value x, bool rough = false);
  mlir::Value expPoly(mlir::Value r, mlir::Value square, bool ofMinus = false);
  /// log of a positive number of the normal range times 2^shift.
  std::pair<mlir::Value, mlir::Value> splitForLog(mlir::Value x);
  mlir::Value logPositive(mlir::Value x);
  mlir::Value sinCos(mlir::Value x, bool cosine);
  mlir::Value erfc(mlir::Value x);
  mlir::Value powPositive(mlir::Value x, mlir::Value y);
  Double2 log2Positive(mlir::Value x);
  /// An emitter on f64 of the same shape.
  MathEmitter widened();
  mlir::Value extend(mlir::Value x);
  mlir::Value truncate(mlir::Value x);

  mlir::OpBuilder &b;
  mlir::Location loc;
  mlir::Type type;
  bool hasFma, fast, wide;
};

} // namespace rnnc

#endif // RNNC_LIB_CONVERSION_EXPANDMATH_MATHEMITTER_H
