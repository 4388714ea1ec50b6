// Floats.h: floating numbers of any format, exactly. SPDX-License-Identifier:
// Apache-2.0 WITH LLVM-exception
#ifndef RNNC_TEST_GPU_FLOATS_H
#define RNNC_TEST_GPU_FLOATS_H

#include "Types.h"

namespace rnnc::ptx {

enum class Rounding : uint8_t {
  Nearest, ///< .rn, ties to even
  Zero,
  Down,
  Up,
  Away ///< .rna, ties away from zero
};

/// mantissa · 2^exponent, an infinity, or no number.
struct Exact {
  bool negative = false, isNan = false, isInfinite = false;
  uint64_t mantissa = 0;
  int exponent = 0;
};

/// Of the bits of any type, integers too.
Exact decompose(Type type, uint64_t bits);
/// The bits of a floating type; what is too large is an infinity or the largest
/// number, as the mode says. No number is the one NaN that PTX makes.
uint64_t compose(Type type, const Exact &value, Rounding rounding);
/// The bits of an integer type, within its range.
uint64_t toInteger(Type type, const Exact &value, Rounding rounding);

double toDouble(Type type, uint64_t bits);
uint64_t fromDouble(Type type, double value,
                    Rounding rounding = Rounding::Nearest);
/// Sums and products as if they were rounded once, when they go to a format
/// with less than half of the bits of a double.
double addOdd(double a, double b);
double fmaOdd(double a, double b, double c);

} // namespace rnnc::ptx

#endif
