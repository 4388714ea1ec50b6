// Floats.cpp: floating numbers of any format, exactly. SPDX-License-Identifier:
// Apache-2.0 WITH LLVM-exception
#include "Floats.h"

#include <bit>
#include <cmath>

using namespace rnnc::ptx;

namespace {

struct Format {
  unsigned bits;      ///< of the whole
  unsigned precision; ///< of the mantissa, the hidden bit too
  int smallest;       ///< exponent of the smallest normal number
  unsigned unused;    ///< low bits of the word that are 0
  uint64_t nan;
};

} // namespace

static Format formatOf(Type type) {
  switch (type) {
  case Type::F16:
    return {16, 11, -14, 0, 0x7fff};
  case Type::BF16:
    return {16, 8, -126, 0, 0x7fff};
  case Type::TF32:
    return {32, 11, -126, 13, 0x7fffffff};
  case Type::F64:
    return {64, 53, -1022, 0, 0x7fffffffffffffff};
  default:
    return {32, 24, -126, 0, 0x7fffffff};
  }
}

static Exact decomposeInteger(Type type, uint64_t bits) {
  unsigned width = bytesOf(type) * 8;
  uint64_t value = width == 64 ? bits : bits & ((uint64_t(1) << width) - 1);
  Exact exact;
  if (isSigned(type) && (value >> (width - 1)) & 1) {
    exact.negative = true;
    value = (width == 64 ? 0 : uint64_t(1) << width) - value;
  }
  exact.mantissa = value;
  return exact;
}

Exact rnnc::ptx::decompose(Type type, uint64_t bits) {
  if (!isFloat(type))
    return decomposeInteger(type, bits);
  Format f = formatOf(type);
  // A tf32 lies in an f32.
  unsigned stored = f.precision - 1 + f.unused;
  uint64_t fraction = bits & ((uint64_t(1) << stored) - 1);
  unsigned exponentBits = f.bits - 1 - stored;
  uint64_t top = (uint64_t(1) << exponentBits) - 1;
  uint64_t exponent = (bits >> stored) & top;
  Exact exact;
  exact.negative = (bits >> (f.bits - 1)) & 1;
  exact.isNan = exponent == top && fraction;
  exact.isInfinite = exponent == top && !fraction;
  exact.mantissa = exponent ? fraction | uint64_t(1) << stored : fraction;
  exact.exponent =
      f.smallest - int(stored) + (exponent ? int(exponent) - 1 : 0);
  return exact;
}

/// Drops `count` low bits of the mantissa; up to 64 of them.
static uint64_t dropBits(const Exact &value, unsigned count,
                         Rounding rounding) {
  if (!count)
    return value.mantissa;
  uint64_t kept = count >= 64 ? 0 : value.mantissa >> count;
  uint64_t rest = count >= 64 ? value.mantissa
                              : value.mantissa & ((uint64_t(1) << count) - 1);
  uint64_t half = count > 64 ? 0 : uint64_t(1) << (count - 1);
  bool isAbove = half && rest > half, isTie = half && rest == half;
  switch (rounding) {
  case Rounding::Nearest:
    return kept + (isAbove || (isTie && (kept & 1)));
  case Rounding::Away:
    return kept + (isAbove || isTie);
  case Rounding::Zero:
    return kept;
  case Rounding::Down:
    return kept + (rest && value.negative);
  case Rounding::Up:
    return kept + (rest && !value.negative);
  }
  return kept;
}

uint64_t rnnc::ptx::compose(Type type, const Exact &value, Rounding rounding) {
  Format f = formatOf(type);
  unsigned stored = f.precision - 1;
  uint64_t top = (uint64_t(1) << (f.bits - 1 - stored - f.unused)) - 1;
  uint64_t sign = uint64_t(value.negative) << (f.bits - 1);
  if (value.isNan)
    return f.nan;
  if (value.isInfinite)
    return sign | top << (stored + f.unused);
  if (!value.mantissa)
    return sign;
  // The exponent of the last bit that the format has for such a number.
  int high = value.exponent + 63 - std::countl_zero(value.mantissa);
  int last = std::max(high, f.smallest) - int(stored);
  Exact scaled = value;
  if (last < value.exponent) {
    scaled.mantissa <<= unsigned(value.exponent - last);
    scaled.exponent = last;
  }
  unsigned drop = unsigned(std::min(last - scaled.exponent, 100));
  uint64_t mantissa = dropBits(scaled, drop, rounding);
  // The hidden bit counts the exponent up: subnormal, normal and overflow.
  uint64_t whole = mantissa;
  if (last > f.smallest - int(stored))
    whole += uint64_t(last - (f.smallest - int(stored))) << stored;
  if (whole >> stored >= top) {
    bool toLargest = rounding == Rounding::Zero ||
                     (rounding == Rounding::Down && !value.negative) ||
                     (rounding == Rounding::Up && value.negative);
    whole = (top << stored) - toLargest;
  }
  return sign | whole << f.unused;
}

uint64_t rnnc::ptx::toInteger(Type type, const Exact &value,
                              Rounding rounding) {
  unsigned width = bytesOf(type) * 8;
  uint64_t ones = width == 64 ? ~uint64_t(0) : (uint64_t(1) << width) - 1;
  uint64_t most = isSigned(type) ? ones >> 1 : ones;
  uint64_t least = isSigned(type) ? most + 1 : 0; // its size
  if (value.isNan)
    return 0;
  uint64_t size;
  if (value.isInfinite)
    size = ~uint64_t(0);
  else if (value.exponent >= 0)
    size = !value.mantissa ? 0
           : value.exponent > std::countl_zero(value.mantissa)
               ? ~uint64_t(0)
               : value.mantissa << value.exponent;
  else
    size = dropBits(value, unsigned(std::min(-value.exponent, 100)), rounding);
  if (value.negative)
    return (0 - std::min(size, least)) & ones;
  return std::min(size, most);
}

double rnnc::ptx::toDouble(Type type, uint64_t bits) {
  return std::bit_cast<double>(
      compose(Type::F64, decompose(type, bits), Rounding::Nearest));
}

uint64_t rnnc::ptx::fromDouble(Type type, double value, Rounding rounding) {
  return compose(type, decompose(Type::F64, std::bit_cast<uint64_t>(value)),
                 rounding);
}

/// Rounds to odd: `sum` is the nearest double, `rest` what it lacks.
static double makeOdd(double sum, double rest) {
  if (rest == 0 || !std::isfinite(sum))
    return sum;
  uint64_t bits = std::bit_cast<uint64_t>(sum);
  if (bits & 1)
    return sum;
  return std::nextafter(sum, rest > 0 ? INFINITY : -INFINITY);
}

double rnnc::ptx::addOdd(double a, double b) {
  double sum = a + b, back = sum - a;
  double rest = (a - (sum - back)) + (b - back);
  return makeOdd(sum, rest);
}

double rnnc::ptx::fmaOdd(double a, double b, double c) {
  return addOdd(a * b, c); // a · b has at most 24 bits
}
