// LoopsTest.cpp: loops made from linalg.generic compute what they should.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Jit.h"

#include "gtest/gtest.h"

#include <cmath>

using namespace rnnc::test;

namespace {

std::vector<float> ramp(int64_t n, float scale = 0.01f) {
  std::vector<float> v(n);
  for (int64_t i = 0; i != n; ++i)
    v[i] = scale * float((i * 37) % 101 - 50);
  return v;
}

TEST(Loops, PointwiseWithBroadcastAndTail) {
  const char *source = R"(
    #id = affine_map<(i, j) -> (i, j)>
    #col = affine_map<(i, j) -> (j)>
    #row = affine_map<(i, j) -> (i)>
    func.func @f(%x: memref<?x37xf32> {rnnc.slot = #rnnc.slot<input "", ["batch", 37]>},
                 %b: memref<37xf32> {rnnc.slot = #rnnc.slot<input "", [37]>},
                 %s: memref<?xf32> {rnnc.slot = #rnnc.slot<input "", ["batch"]>},
                 %y: memref<?x37xf32> {rnnc.slot = #rnnc.slot<input "", ["batch", 37]>})
        attributes {rnnc.function = #rnnc.function<"" "f", ["batch"]>} {
      linalg.generic {indexing_maps = [#id, #col, #row, #id],
                      iterator_types = ["parallel", "parallel"]}
          ins(%x, %b, %s : memref<?x37xf32>, memref<37xf32>, memref<?xf32>)
          outs(%y : memref<?x37xf32>) {
      ^bb0(%a: f32, %c: f32, %d: f32, %o: f32):
        %0 = arith.addf %a, %c : f32
        %1 = arith.mulf %0, %d : f32
        linalg.yield %1 : f32
      }
      return
    })";
  for (const JitTarget &target : jitTargets()) {
    Jit jit(source, target);
    ASSERT_TRUE(jit.ok()) << jit.message();
    int64_t n = 5;
    auto x = ramp(n * 37), b = ramp(37, 0.3f), s = ramp(n, 1.0f);
    std::vector<float> y(n * 37 + 8, -7.0f);
    jit.call("f", {x.data(), b.data(), s.data(), y.data()}, {n});
    for (int64_t i = 0; i != n; ++i)
      for (int64_t j = 0; j != 37; ++j)
        EXPECT_EQ(y[i * 37 + j], (x[i * 37 + j] + b[j]) * s[i]);
    for (int64_t i = n * 37; i != n * 37 + 8; ++i)
      EXPECT_EQ(y[i], -7.0f);
  }
}

TEST(Loops, InnerReductionWithPrologue) {
  const char *source = R"(
    #id = affine_map<(i, j) -> (i, j)>
    #row = affine_map<(i, j) -> (i)>
    func.func @f(%x: memref<?x?xf32> {rnnc.slot = #rnnc.slot<input "", ["batch", "n"]>},
                 %m: memref<?xf32> {rnnc.slot = #rnnc.slot<input "", ["batch"]>},
                 %y: memref<?xf32> {rnnc.slot = #rnnc.slot<input "", ["batch"]>})
        attributes {rnnc.function = #rnnc.function<"" "f", ["batch", "n"]>} {
      %low = arith.constant 0xFF800000 : f32
      linalg.fill ins(%low : f32) outs(%m : memref<?xf32>)
      linalg.generic {indexing_maps = [#id, #row],
                      iterator_types = ["parallel", "reduction"]}
          ins(%x : memref<?x?xf32>) outs(%m : memref<?xf32>) {
      ^bb0(%a: f32, %o: f32):
        %0 = arith.maximumf %a, %o : f32
        linalg.yield %0 : f32
      }
      linalg.generic {indexing_maps = [#id, #row, #row],
                      iterator_types = ["parallel", "reduction"]}
          ins(%x, %m : memref<?x?xf32>, memref<?xf32>) outs(%y : memref<?xf32>) {
      ^bb0(%a: f32, %c: f32, %o: f32):
        %0 = arith.subf %a, %c : f32
        %1 = math.exp %0 : f32
        %2 = arith.addf %o, %1 : f32
        linalg.yield %2 : f32
      }
      return
    })";
  for (const JitTarget &target : jitTargets()) {
    Jit jit(source, target);
    ASSERT_TRUE(jit.ok()) << jit.message();
    for (int64_t n : {0, 1, 3, 16, 31, 64, 65, 200}) {
      int64_t rows = 3;
      auto x = ramp(rows * n);
      std::vector<float> m(rows), y(rows, 0.5f);
      jit.call("f", {x.data(), m.data(), y.data()}, {rows, n});
      for (int64_t i = 0; i != rows; ++i) {
        float best = -INFINITY;
        for (int64_t j = 0; j != n; ++j)
          best = std::max(best, x[i * n + j]);
        double sum = 0.5;
        for (int64_t j = 0; j != n; ++j)
          sum += std::exp(double(x[i * n + j]) - best);
        EXPECT_EQ(m[i], best);
        EXPECT_NEAR(y[i], sum, 1e-6 * sum) << n;
      }
    }
  }
}

TEST(Loops, OuterReductionAndTwoOutputs) {
  const char *source = R"(
    #id = affine_map<(t, b, j) -> (t, b, j)>
    #col = affine_map<(t, b, j) -> (j)>
    func.func @f(%x: memref<?x?x70xf32> {rnnc.slot = #rnnc.slot<input "", ["T", "batch", 70]>},
                 %s: memref<70xf32> {rnnc.slot = #rnnc.slot<input "", [70]>},
                 %y: memref<?x?x70xf32> {rnnc.slot = #rnnc.slot<input "", ["T", "batch", 70]>})
        attributes {rnnc.function = #rnnc.function<"" "f", ["batch", "T"]>} {
      linalg.generic {indexing_maps = [#id, #col, #id],
                      iterator_types = ["reduction", "reduction", "parallel"]}
          ins(%x : memref<?x?x70xf32>)
          outs(%s, %y : memref<70xf32>, memref<?x?x70xf32>) {
      ^bb0(%a: f32, %o: f32, %u: f32):
        %0 = arith.mulf %a, %a : f32
        %1 = arith.addf %o, %0 : f32
        linalg.yield %1, %0 : f32, f32
      }
      return
    })";
  for (const JitTarget &target : jitTargets()) {
    Jit jit(source, target);
    ASSERT_TRUE(jit.ok()) << jit.message();
    int64_t steps = 4, batch = 3;
    auto x = ramp(steps * batch * 70);
    std::vector<float> s(70, 1.0f), y(x.size());
    jit.call("f", {x.data(), s.data(), y.data()}, {batch, steps});
    for (int64_t j = 0; j != 70; ++j) {
      double sum = 1;
      for (int64_t r = 0; r != steps * batch; ++r)
        sum += double(x[r * 70 + j]) * x[r * 70 + j];
      EXPECT_NEAR(s[j], sum, 1e-5);
    }
    for (size_t i = 0; i != x.size(); ++i)
      EXPECT_EQ(y[i], x[i] * x[i]);
  }
}

TEST(Loops, WideSumOfNarrowData) {
  const char *source = R"(
    #id = affine_map<(i) -> (i)>
    #none = affine_map<(i) -> ()>
    func.func @f(%x: memref<?xf32> {rnnc.slot = #rnnc.slot<input "", ["n"]>},
                 %s: memref<f64> {rnnc.slot = #rnnc.slot<input "", []>})
        attributes {rnnc.function = #rnnc.function<"" "f", ["n"]>} {
      linalg.generic {indexing_maps = [#id, #none],
                      iterator_types = ["reduction"]}
          ins(%x : memref<?xf32>) outs(%s : memref<f64>) {
      ^bb0(%a: f32, %o: f64):
        %0 = arith.extf %a : f32 to f64
        %1 = arith.addf %o, %0 : f64
        linalg.yield %1 : f64
      }
      return
    })";
  for (const JitTarget &target : jitTargets()) {
    Jit jit(source, target);
    ASSERT_TRUE(jit.ok()) << jit.message();
    auto x = ramp(1000);
    double sum = 0, expected = 0;
    for (float v : x)
      expected += v;
    jit.call("f", {x.data(), &sum}, {1000});
    EXPECT_NEAR(sum, expected, 1e-12);
  }
}

TEST(Loops, TransposedReadAndStridedWrite) {
  const char *source = R"(
    #id = affine_map<(i, j) -> (i, j)>
    #tr = affine_map<(i, j) -> (j, i)>
    func.func @f(%x: memref<19x?xf32> {rnnc.slot = #rnnc.slot<input "", [19, "n"]>},
                 %y: memref<?x19xf32> {rnnc.slot = #rnnc.slot<input "", ["n", 19]>})
        attributes {rnnc.function = #rnnc.function<"" "f", ["n"]>} {
      linalg.generic {indexing_maps = [#tr, #id],
                      iterator_types = ["parallel", "parallel"]}
          ins(%x : memref<19x?xf32>) outs(%y : memref<?x19xf32>) {
      ^bb0(%a: f32, %o: f32):
        linalg.yield %a : f32
      }
      return
    })";
  for (const JitTarget &target : jitTargets()) {
    Jit jit(source, target);
    ASSERT_TRUE(jit.ok()) << jit.message();
    int64_t n = 23;
    auto x = ramp(n * 19);
    std::vector<float> y(n * 19);
    jit.call("f", {x.data(), y.data()}, {n});
    for (int64_t i = 0; i != n; ++i)
      for (int64_t j = 0; j != 19; ++j)
        EXPECT_EQ(y[i * 19 + j], x[j * n + i]);
  }
}

} // namespace
