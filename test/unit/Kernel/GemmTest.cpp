// GemmTest.cpp: products of all forms and odd sizes against plain loops.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Jit.h"

#include "rnnc/Dialect/Kernel/Kernel.h"

#include "gtest/gtest.h"

#include <cmath>
#include <random>

using namespace rnnc::test;

namespace {

std::string typeName(float) { return "f32"; }
std::string typeName(double) { return "f64"; }

/// Memory for what products pack, as large as any may ask for, and a mark
/// behind it.
struct Scratch {
  static constexpr int64_t kPart = (128 << 10) + (256 << 10) + 512;
  static constexpr int64_t kBytes = 8 * kPart;
  Scratch() : memory(kBytes + 64, 'x') {}
  ~Scratch() {
    for (int64_t i = kBytes; i != kBytes + 64; ++i)
      EXPECT_EQ(memory[i], 'x') << "written past the scratch memory";
  }
  std::vector<char> memory;
};

/// C (+)= A B with the operands stored as the flags say.
std::string productSource(const std::string &name, const std::string &t,
                          bool transA, bool transB, bool accumulate) {
  std::string m = "memref<?x?x" + t + ">";
  std::string flags;
  auto flag = [&](bool on, const char *name) {
    if (on)
      flags += (flags.empty() ? "" : ", ") + std::string(name);
  };
  flag(transA, "trans_a");
  flag(transB, "trans_b");
  flag(accumulate, "accumulate");
  return "func.func @" + name + "(%a: " + m +
         " {rnnc.slot = #rnnc.slot<input \"\", [\"a0\", \"a1\"]>}, %b: " + m +
         " {rnnc.slot = #rnnc.slot<input \"\", [\"b0\", \"b1\"]>}, %c: " + m +
         " {rnnc.slot = #rnnc.slot<input \"\", [\"c0\", \"c1\"]>}, %s: "
         "memref<?xi8> {rnnc.slot = #rnnc.slot<input \"\", "
         "[\"s\"]>}) attributes {rnnc.function = #rnnc.function<\"\" \"f\", "
         "[\"a0\", \"a1\", \"b0\", \"b1\", \"c0\", \"c1\", \"s\"]>} {\n"
         "kernel.gemm ins(%a, %b : " +
         m + ", " + m + ") outs(%c : " + m + ") scratch(%s : memref<?xi8>) {" +
         flags + "}\nreturn\n}\n";
}

/// B packed first; its shape has to be static for the buffer.
std::string packedSource(const std::string &name, const std::string &t,
                         bool transB, int64_t k, int64_t n) {
  auto matrix = [&](int64_t r, int64_t c) {
    return "memref<" + std::to_string(r) + "x" + std::to_string(c) + "x" + t +
           ">";
  };
  std::string b = transB ? matrix(n, k) : matrix(k, n);
  std::string p = "memref<" + std::to_string(rnnc::kernel::packedSize(k, n)) +
                  "x" + t + ">";
  std::string a = "memref<?x" + std::to_string(k) + "x" + t + ">";
  std::string c = "memref<?x" + std::to_string(n) + "x" + t + ">";
  std::string shape = std::to_string(k);
  return "func.func @" + name + "(%a: " + a +
         " {rnnc.slot = #rnnc.slot<input \"\", [\"m\", " + shape +
         "]>}, %b: " + b + ", %p: " + p + ", %c: " + c +
         " {rnnc.slot = #rnnc.slot<input \"\", [\"m\", " + std::to_string(n) +
         "]>}, %s: memref<?xi8> {rnnc.slot = #rnnc.slot<input \"\", [\"s\"]>}) "
         "attributes "
         "{rnnc.function = #rnnc.function<\"\" \"f\", [\"m\", \"s\"]>} {\n"
         "kernel.pack ins(%b : " +
         b + ") outs(%p : " + p + ")" + (transB ? " {trans}" : "") +
         "\nkernel.gemm ins(%a, %p : " + a + ", " + p + ") outs(%c : " + c +
         ") scratch(%s : memref<?xi8>) {packed_b}\nreturn\n}\n";
}

template <typename T> struct Problem {
  Problem(int64_t m, int64_t n, int64_t k, bool transA, bool transB)
      : m(m), n(n), k(k), a(m * k), b(k * n), c(m * n + 16), expected(m * n) {
    std::mt19937 random(m * 1009 + n * 31 + k);
    std::uniform_real_distribution<T> uniform(-1, 1);
    for (auto *v : {&a, &b, &c})
      for (T &x : *v)
        x = uniform(random);
    start = c;
    for (int64_t i = 0; i != m; ++i)
      for (int64_t j = 0; j != n; ++j) {
        long double sum = 0;
        for (int64_t p = 0; p != k; ++p)
          sum += (long double)(transA ? a[p * m + i] : a[i * k + p]) *
                 (transB ? b[j * k + p] : b[p * n + j]);
        expected[i * n + j] = sum;
      }
  }

  void check(bool accumulate) {
    double eps = std::numeric_limits<T>::epsilon();
    for (int64_t i = 0; i != m * n; ++i) {
      long double want = expected[i] + (accumulate ? start[i] : 0);
      ASSERT_NEAR(double(c[i]), double(want), eps * (k + 2))
          << m << "x" << n << "x" << k << " at " << i;
    }
    for (size_t i = m * n; i != c.size(); ++i)
      ASSERT_EQ(c[i], start[i]) << "written past the end";
  }

  int64_t m, n, k;
  std::vector<T> a, b, c, start;
  std::vector<long double> expected;
};

template <typename T> class Gemm : public testing::Test {};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(Gemm, Types);

TYPED_TEST(Gemm, AllForms) {
  // One module of all forms: the routines are compiled once.
  std::string source;
  for (int form = 0; form != 8; ++form)
    source += productSource("f" + std::to_string(form), typeName(TypeParam()),
                            form & 1, form & 2, form & 4);
  for (const JitTarget &target : jitTargets()) {
    Jit jit(source, target);
    ASSERT_TRUE(jit.ok()) << jit.message();
    for (int form = 0; form != 8; ++form) {
      bool transA = form & 1, transB = form & 2, accumulate = form & 4;
      for (auto [m, n, k] : {std::array<int64_t, 3>{1, 1, 1},
                             {3, 5, 7},
                             {8, 32, 4},
                             {17, 33, 65},
                             {6, 16, 600},
                             {100, 70, 3},
                             {2, 129, 300},
                             {5, 4, 0},
                             {0, 4, 3},
                             {130, 300, 40},
                             {260, 270, 70}}) {
        Problem<TypeParam> p(m, n, k, transA, transB);
        std::vector<int64_t> dims = {transA ? k : m,
                                     transA ? m : k,
                                     transB ? n : k,
                                     transB ? k : n,
                                     m,
                                     n};
        Scratch scratch;
        dims.push_back(Scratch::kBytes);
        jit.call("f" + std::to_string(form),
                 {p.a.data(), p.b.data(), p.c.data(), scratch.memory.data()},
                 dims);
        p.check(accumulate);
      }
    }
  }
}

TYPED_TEST(Gemm, Packed) {
  // Panels of every width left over, for the narrowest vectors at least.
  const std::array<int64_t, 2> sizes[] = {
      {1, 1},  {65, 33}, {520, 48}, {7, 2},    {8, 3},   {9, 4},
      {10, 5}, {11, 6},  {12, 7},   {600, 20}, {40, 65}, {41, 31}};
  std::string source;
  for (bool transB : {false, true})
    for (auto [k, n] : sizes)
      source += packedSource("f" + std::to_string(k) + (transB ? "t" : "n"),
                             typeName(TypeParam()), transB, k, n);
  for (const JitTarget &target : jitTargets()) {
    Jit jit(source, target);
    ASSERT_TRUE(jit.ok()) << jit.message();
    for (bool transB : {false, true})
      for (auto [k, n] : sizes)
        for (int64_t m : {1, 2, 3, 4, 5, 7, 8, 9, 31}) {
          Problem<TypeParam> p(m, n, k, false, transB);
          // What lies behind the panels may be anything; it is not written.
          int64_t size = rnnc::kernel::packedSize(k, n);
          std::vector<TypeParam> packed(size, NAN);
          Scratch scratch;
          jit.call("f" + std::to_string(k) + (transB ? "t" : "n"),
                   {p.a.data(), p.b.data(), packed.data(), p.c.data(),
                    scratch.memory.data()},
                   {m, Scratch::kBytes});
          p.check(false);
          for (int64_t i = k * n; i != size; ++i)
            ASSERT_TRUE(std::isnan(packed[i])) << k << "x" << n;
        }
  }
}

} // namespace
