// MathTest.cpp: error bounds of the elementary functions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every function runs as generated code and is held against long double libm
// on bit patterns of the whole range and densely where the values matter.

#include "Jit.h"

#include "gtest/gtest.h"

#include <bit>
#include <cmath>
#include <limits>
#include <random>

using namespace rnnc::test;

namespace {

using Reference = long double (*)(long double);

struct Function {
  const char *name;
  const char *op; ///< text with %a for the argument, T for the type
  Reference reference;
  double limit; ///< largest |x| of the stated bound, 0: none
};

long double sigmoidOf(long double x) { return 1 / (1 + expl(-x)); }
long double softplusOf(long double x) {
  return x > 0 ? x + log1pl(expl(-x)) : log1pl(expl(x));
}

const Function kFunctions[] = {
    {"exp", "math.exp %a : T", expl, 0},
    {"tanh", "math.tanh %a : T", tanhl, 0},
    {"sigmoid", "\"scan.sigmoid\"(%a) : (T) -> T", sigmoidOf, 0},
    {"softplus", "\"scan.softplus\"(%a) : (T) -> T", softplusOf, 0},
    {"log", "math.log %a : T", logl, 0},
    {"log1p", "math.log1p %a : T", log1pl, 0},
    {"erf", "math.erf %a : T", erfl, 0},
    {"sin", "math.sin %a : T", sinl, 0x1p20},
    {"cos", "math.cos %a : T", cosl, 0x1p20},
    {"sqrt", "math.sqrt %a : T", sqrtl, 0}};

std::string replaced(std::string text, const std::string &type) {
  for (size_t at = 0; (at = text.find('T', at)) != std::string::npos;)
    text.replace(at, 1, type);
  return text;
}

/// The function of %a and %b that `op` gives, with ops `before` it.
std::string sourceOf(const std::string &op, const std::string &type,
                     const std::string &before = "") {
  std::string m = "memref<?x" + type + ">";
  std::string arg = " {rnnc.slot = #rnnc.slot<input \"\", [\"n\"]>}";
  return "#id = affine_map<(i) -> (i)>\n"
         "func.func @f(%x: " +
         m + arg + ", %z: " + m + arg + ", %y: " + m + arg +
         ") attributes {rnnc.function = #rnnc.function<\"\" \"f\", [\"n\"]>} "
         "{\n"
         "linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = "
         "[\"parallel\"]} ins(%x, %z : " +
         m + ", " + m + ") outs(%y : " + m + ") {\n^bb0(%a: " + type +
         ", %b: " + type + ", %o: " + type + "):\n" + replaced(before, type) +
         "\n%0 = " + replaced(op, type) + "\nlinalg.yield %0 : " + type +
         "\n}\nreturn\n}";
}

template <typename T> double ulpError(T got, long double want) {
  if (std::isnan(want))
    return std::isnan(got) ? 0 : INFINITY;
  if (std::isnan(got))
    return INFINITY;
  long double rounded = T(want);
  if (std::isinf(T(want)) || std::isinf(got))
    return got == T(want) ||
                   // A half ulp below the overflow threshold may go either way.
                   (!std::isinf(want) && std::isinf(got) &&
                    std::fabs(want) >=
                        std::numeric_limits<T>::max() *
                            (1 - 4 * std::numeric_limits<T>::epsilon()))
               ? 0
               : INFINITY;
  (void)rounded;
  int exponent;
  std::frexp(want == 0 ? (long double)std::numeric_limits<T>::denorm_min()
                       : want,
             &exponent);
  exponent = std::max(exponent - std::numeric_limits<T>::digits,
                      std::numeric_limits<T>::min_exponent -
                          std::numeric_limits<T>::digits);
  return double(std::fabs((long double)got - want) /
                std::ldexp(1.0L, exponent));
}

/// sigmoid may give 0 for what is no normal number.
template <typename T>
bool isFlushed(const Function &f, T got, long double want) {
  constexpr T least = std::numeric_limits<T>::min();
  return f.reference == sigmoidOf && want < least && got >= 0 && got <= least;
}

template <typename T> std::vector<T> samples() {
  std::vector<T> v;
  if constexpr (sizeof(T) == 4) {
    for (uint64_t i = 0; i < (uint64_t(1) << 32); i += 40009)
      v.push_back(std::bit_cast<float>(uint32_t(i)));
  } else {
    std::mt19937_64 random(5);
    for (int i = 0; i != 100000; ++i)
      v.push_back(std::bit_cast<double>(random()));
  }
  std::mt19937_64 random(7);
  for (double range : {0.01, 1.0, 3.0, 10.0, 100.0, 800.0, 1e6}) {
    std::uniform_real_distribution<double> uniform(-range, range);
    for (int i = 0; i != 20000; ++i)
      v.push_back(T(uniform(random)));
  }
  for (double x : std::initializer_list<double>{
           0.0, -0.0, 1.0, -1.0, INFINITY, -INFINITY, NAN, 88.72283,
           709.78271289338397, -103.9, -745.1,
           double(std::numeric_limits<T>::max()),
           double(std::numeric_limits<T>::min()),
           double(std::numeric_limits<T>::denorm_min())})
    v.push_back(T(x));
  return v;
}

template <typename T> class Math : public testing::Test {};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(Math, Types);

TYPED_TEST(Math, FourUlp) {
  using T = TypeParam;
  std::vector<T> x = samples<T>();
  for (const JitTarget &target : jitTargets())
    for (const Function &f : kFunctions) {
      Jit jit(sourceOf(f.op, sizeof(T) == 4 ? "f32" : "f64"), target);
      ASSERT_TRUE(jit.ok()) << jit.message();
      std::vector<T> y(x.size());
      jit.call("f", {x.data(), x.data(), y.data()}, {int64_t(x.size())});
      double worst = 0;
      T where = 0;
      for (size_t i = 0; i != x.size(); ++i) {
        if (f.limit && std::fabs(x[i]) > f.limit && std::isfinite(x[i]))
          continue;
        double e = ulpError(y[i], f.reference(x[i]));
        if (e > worst && !isFlushed(f, y[i], f.reference(x[i]))) {
          worst = e;
          where = x[i];
        }
      }
      EXPECT_LE(worst, 4.0)
          << f.name << " of " << where << ", " << target.vectorBits << " bits";
      this->RecordProperty(f.name, std::to_string(worst));
      printf("%-9s f%zu v%u  worst %.2f ulp at %g\n", f.name, sizeof(T) * 8,
             target.vectorBits, worst, double(where));
    }
}

// The stated bound of `fast-math`: 1e-6 relative in f32 and 4 ulp in f64, where
// the result is no denormal number; below that it is near 0.
TYPED_TEST(Math, FastForms) {
  using T = TypeParam;
  constexpr double tiny = 8.0 * double(std::numeric_limits<T>::min());
  std::vector<T> x = samples<T>();
  for (JitTarget target : jitTargets()) {
    target.fastMath = true;
    for (const Function &f : kFunctions) {
      Jit jit(sourceOf(f.op, sizeof(T) == 4 ? "f32" : "f64"), target);
      ASSERT_TRUE(jit.ok()) << jit.message();
      std::vector<T> y(x.size());
      jit.call("f", {x.data(), x.data(), y.data()}, {int64_t(x.size())});
      for (size_t i = 0; i != x.size(); ++i) {
        if (f.limit && std::fabs(x[i]) > f.limit && std::isfinite(x[i]))
          continue;
        long double want = f.reference(x[i]);
        if (std::fabs(want) < tiny) {
          ASSERT_LE(std::fabs(y[i]), 2 * tiny) << f.name << " of " << x[i];
          continue;
        }
        if (ulpError(y[i], want) <= 4)
          continue;
        ASSERT_EQ(sizeof(T), 4u) << f.name << " of " << x[i] << " = " << y[i];
        ASSERT_LE(std::fabs(y[i] - want), 1e-6L * std::fabs(want))
            << f.name << " of " << x[i] << " = " << y[i];
      }
    }
  }
}

TYPED_TEST(Math, Signs) {
  using T = TypeParam;
  for (const char *op : {"math.tanh %a : T", "math.erf %a : T",
                         "math.sin %a : T", "math.log1p %a : T"})
    for (const JitTarget &target : jitTargets()) {
      Jit jit(sourceOf(op, sizeof(T) == 4 ? "f32" : "f64"), target);
      ASSERT_TRUE(jit.ok()) << jit.message();
      std::vector<T> x = {T(0.0), T(-0.0)}, y(2);
      jit.call("f", {x.data(), x.data(), y.data()}, {2});
      EXPECT_EQ(y[0], 0);
      EXPECT_EQ(y[1], 0);
      EXPECT_FALSE(std::signbit(y[0])) << op;
      EXPECT_TRUE(std::signbit(y[1])) << op;
    }
}

// Products share a division: as exact as the factors allow, also where one of
// them is tiny and the other one is not.
TYPED_TEST(Math, Products) {
  using T = TypeParam;
  struct Product {
    const char *before;
    Reference left, right;
  };
  const std::string sigmoid = "\"scan.sigmoid\"";
  const std::string p = "%p = " + sigmoid + "(%a) : (T) -> T\n";
  const std::string q = "%q = " + sigmoid + "(%b) : (T) -> T\n";
  const std::string both = p + q, tanhs = p + "%q = math.tanh %b : T\n",
                    factor = p + "%q = arith.negf %b : T\n";
  const Product products[] = {
      {both.c_str(), sigmoidOf, sigmoidOf},
      {tanhs.c_str(), sigmoidOf, tanhl},
      {factor.c_str(), sigmoidOf, [](long double x) { return -x; }}};
  std::vector<T> x, z;
  std::mt19937_64 random(13);
  double range = sizeof(T) == 4 ? 85 : 700;
  for (int i = 0; i != 100000; ++i) {
    x.push_back(
        T(std::uniform_real_distribution<double>(-range, range)(random)));
    z.push_back(T(std::uniform_real_distribution<double>(-30, 30)(random)));
  }
  for (const JitTarget &target : jitTargets())
    for (const Product &one : products) {
      Jit jit(sourceOf("arith.mulf %p, %q : T", sizeof(T) == 4 ? "f32" : "f64",
                       one.before),
              target);
      ASSERT_TRUE(jit.ok()) << jit.message();
      std::vector<T> y(x.size());
      jit.call("f", {x.data(), z.data(), y.data()}, {int64_t(x.size())});
      for (size_t i = 0; i != x.size(); ++i) {
        long double want = one.left(x[i]) * one.right(z[i]);
        if (std::fabs(want) < 2 * std::numeric_limits<T>::min())
          ASSERT_LE(std::fabs(y[i]), 4 * std::numeric_limits<T>::min());
        else
          ASSERT_LE(ulpError(y[i], want), 8) << x[i] << ", " << z[i];
      }
    }
}

TYPED_TEST(Math, Power) {
  using T = TypeParam;
  std::vector<T> x, z;
  T special[] = {0,  T(-0.0),  1,         -1,  T(0.5),   T(-0.5), 2,      -2, 3,
                 -3, INFINITY, -INFINITY, NAN, T(1e-30), T(1e30), T(-7.5)};
  for (T p : special)
    for (T q : special) {
      x.push_back(p);
      z.push_back(q);
    }
  std::mt19937_64 random(11);
  std::uniform_real_distribution<double> base(0, 10), power(-40, 40);
  for (int i = 0; i != 100000; ++i) {
    x.push_back(T(base(random)));
    z.push_back(T(power(random)));
    // Results all over the range.
    double a =
        std::exp(std::uniform_real_distribution<double>(-80, 80)(random));
    x.push_back(T(a));
    z.push_back(T(std::uniform_real_distribution<double>(-9, 9)(random)));
  }
  for (const JitTarget &target : jitTargets()) {
    Jit jit(sourceOf("math.powf %a, %b : T", sizeof(T) == 4 ? "f32" : "f64"),
            target);
    ASSERT_TRUE(jit.ok()) << jit.message();
    std::vector<T> y(x.size());
    jit.call("f", {x.data(), z.data(), y.data()}, {int64_t(x.size())});
    double worst = 0;
    size_t where = 0;
    for (size_t i = 0; i != x.size(); ++i) {
      double e = ulpError(y[i], powl(x[i], z[i]));
      if (e > worst) {
        worst = e;
        where = i;
      }
    }
    EXPECT_LE(worst, 4.0) << x[where] << " ^ " << z[where] << " = " << y[where];
    printf("pow       f%zu v%u  worst %.2f ulp\n", sizeof(T) * 8,
           target.vectorBits, worst);
  }
}

} // namespace
