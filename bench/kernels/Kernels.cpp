// Kernels.cpp: speed of generated products and pointwise loops.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Prints GF/s of the product shapes of recurrent models beside the peak of the
// machine (one core, f32), and the cost of an element of the usual activation
// functions. `rnnc-bench-kernels [bits]` chooses the vector width.

#include "../../test/unit/Kernel/Jit.h"

#include "rnnc/Dialect/Kernel/Kernel.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>

using namespace rnnc::test;

namespace {

/// Processor time of this thread: others on the machine cost less of it than
/// of the time on the wall.
double now() {
  timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return double(t.tv_sec) + 1e-9 * double(t.tv_nsec);
}

/// Best time of one run of `body`, in seconds.
template <typename F> double best(F body) {
  body(); // the first call compiles and touches the memory
  double least = 1e9, end = now() + 0.3;
  do {
    double start = now();
    body();
    least = std::min(least, now() - start);
  } while (now() < end);
  return least;
}

/// Peak of fused multiply-adds: twelve independent sums hide the latency. In
/// assembly, since a compiler would merge or spill them.
__attribute__((target("avx2,fma"))) double peak() {
  const long trips = 1000000;
  double seconds = best([&] {
    for (long i = 0; i != trips; ++i)
      asm volatile("vfmadd231ps %%ymm15, %%ymm14, %%ymm0\n\t"
                   "vfmadd231ps %%ymm15, %%ymm14, %%ymm1\n\t"
                   "vfmadd231ps %%ymm15, %%ymm14, %%ymm2\n\t"
                   "vfmadd231ps %%ymm15, %%ymm14, %%ymm3\n\t"
                   "vfmadd231ps %%ymm15, %%ymm14, %%ymm4\n\t"
                   "vfmadd231ps %%ymm15, %%ymm14, %%ymm5\n\t"
                   "vfmadd231ps %%ymm15, %%ymm14, %%ymm6\n\t"
                   "vfmadd231ps %%ymm15, %%ymm14, %%ymm7\n\t"
                   "vfmadd231ps %%ymm15, %%ymm14, %%ymm8\n\t"
                   "vfmadd231ps %%ymm15, %%ymm14, %%ymm9\n\t"
                   "vfmadd231ps %%ymm15, %%ymm14, %%ymm10\n\t"
                   "vfmadd231ps %%ymm15, %%ymm14, %%ymm11\n\t" ::
                       : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6",
                         "xmm7", "xmm8", "xmm9", "xmm10", "xmm11");
  });
  return 2.0 * 8 * 12 * trips / seconds * 1e-9;
}

struct Shape {
  const char *what;
  int64_t m, n, k;
  bool transA, transB, packed;
};

const Shape kShapes[] = {
    {"gemv, packed weights", 1, 1024, 256, false, true, true},
    {"batch 2", 2, 1024, 256, false, true, true},
    {"batch 4", 4, 1024, 256, false, true, true},
    {"batch 16", 16, 1024, 256, false, true, true},
    {"batch 50", 50, 1024, 256, false, true, true},
    {"input projection", 5000, 1024, 256, false, true, true},
    {"input projection, E 64", 5000, 1024, 64, false, true, true},
    {"state gradient, batch 50", 50, 256, 1024, false, false, true},
    {"data gradient", 5000, 256, 1024, false, false, true},
    {"data gradient, unpacked", 5000, 256, 1024, false, false, false},
    {"weight gradient", 1024, 256, 5000, true, false, false},
    {"weight gradient, E 64", 1024, 64, 5000, true, false, false},
    {"scores", 5000, 65, 256, false, true, true},
    {"scores' weight gradient", 65, 256, 5000, true, false, false},
    {"650 units, inputs", 700, 2600, 650, false, true, true},
    {"650 units, data gradient", 700, 650, 2600, false, false, true},
    {"650 units, weight gradient", 2600, 650, 700, true, false, false},
    {"10,000 words", 700, 10000, 650, false, true, true},
    {"10,000 words, data gradient", 700, 650, 10000, false, false, true},
    {"10,000 words, weight gradient", 10000, 650, 700, true, false, false},
};

std::string matrix(int64_t r, int64_t c) {
  return "memref<" + std::to_string(r) + "x" + std::to_string(c) + "xf32>";
}

/// Bytes of memory that any product here packs its operands in.
constexpr int64_t kScratch = int64_t(64) << 20;

/// @pack and @gemm of one shape, everything of static size.
std::string sourceOf(const Shape &s) {
  std::string a = s.transA ? matrix(s.k, s.m) : matrix(s.m, s.k);
  std::string b = s.transB ? matrix(s.n, s.k) : matrix(s.k, s.n);
  std::string c = matrix(s.m, s.n);
  std::string p =
      "memref<" + std::to_string(rnnc::kernel::packedSize(s.k, s.n)) + "xf32>";
  std::string flags = s.packed ? "packed_b" : s.transB ? "trans_b" : "";
  if (s.transA)
    flags += flags.empty() ? "trans_a" : ", trans_a";
  std::string right = s.packed ? p : b;
  return "func.func @pack(%b: " + b + ", %p: " + p +
         ") attributes {rnnc.function = #rnnc.function<\"\" \"f\", []>} "
         "{\nkernel.pack ins(%b : " +
         b + ") outs(%p : " + p + ")" + (s.transB ? " {trans}" : "") +
         "\nreturn\n}\nfunc.func @gemm(%a: " + a + ", %b: " + right +
         ", %c: " + c + ", %s: memref<" + std::to_string(kScratch) +
         "xi8>) attributes {rnnc.function = #rnnc.function<\"\" \"f\", []>} "
         "{\n" +
         "kernel.gemm ins(%a, %b : " + a + ", " + right + ") outs(%c : " + c +
         ") scratch(%s : memref<" + std::to_string(kScratch) + "xi8>) {" +
         flags + "}\nreturn\n}";
}

struct Aligned {
  explicit Aligned(int64_t n)
      : data(static_cast<float *>(
            std::aligned_alloc(64, (n * 4 + 4095) / 64 * 64))) {
    for (int64_t i = 0; i != n; ++i)
      data[i] = float((i * 37) % 101 - 50) * 0.01f;
  }
  ~Aligned() { std::free(data); }
  float *data;
};

void products(const JitTarget &target) {
  double top = peak();
  std::printf("FMA peak %.1f GF/s, %u-bit vectors\n", top, target.vectorBits);
  for (const Shape &s : kShapes) {
    Jit jit(sourceOf(s), target);
    if (!jit.ok()) {
      std::printf("%s: %s\n", s.what, jit.message().c_str());
      continue;
    }
    Aligned a(s.m * s.k), b(s.k * s.n), c(s.m * s.n),
        p(rnnc::kernel::packedSize(s.k, s.n)), scratch(kScratch / 4);
    double pack = best([&] { jit.call("pack", {b.data, p.data}, {}); });
    float *right = s.packed ? p.data : b.data;
    double run = best(
        [&] { jit.call("gemm", {a.data, right, c.data, scratch.data}, {}); });
    double rate = 2e-9 * s.m * s.n * s.k / run;
    std::printf("%-30s %5ld x %5ld x %5ld %9.1f us %6.1f GF/s %5.1f %%  (pack "
                "%.1f us)\n",
                s.what, long(s.m), long(s.n), long(s.k), run * 1e6, rate,
                100 * rate / top, pack * 1e6);
  }
}

void activations(const JitTarget &target) {
  const char *ops[] = {"math.exp %a : f32",
                       "math.tanh %a : f32",
                       "\"scan.sigmoid\"(%a) : (f32) -> f32",
                       "math.log %a : f32",
                       "math.erf %a : f32",
                       "math.sin %a : f32",
                       "arith.negf %a : f32"};
  const int64_t n = 4096;
  for (const char *op : ops) {
    std::string m = "memref<4096xf32>";
    Jit jit("#id = affine_map<(i) -> (i)>\nfunc.func @f(%x: " + m +
                ", %y: " + m +
                ") attributes {rnnc.function = #rnnc.function<\"\" \"f\", []>} "
                "{\nlinalg.generic "
                "{indexing_maps = [#id, #id], iterator_types = [\"parallel\"]} "
                "ins(%x : " +
                m + ") outs(%y : " + m + ") {\n^bb0(%a: f32, %o: f32):\n%0 = " +
                op + "\nlinalg.yield %0 : f32\n}\nreturn\n}",
            target);
    if (!jit.ok()) {
      std::printf("%s: %s\n", op, jit.message().c_str());
      continue;
    }
    Aligned x(n), y(n);
    double run = best([&] { jit.call("f", {x.data, y.data}, {}); });
    std::printf("%-40s %.3f ns an element\n", op, run / n * 1e9);
  }
}

} // namespace

int main(int argc, char **argv) {
  std::vector<JitTarget> targets = jitTargets();
  JitTarget target = targets.back();
  if (argc > 1)
    for (const JitTarget &t : targets)
      if (t.vectorBits == unsigned(std::atoi(argv[1])))
        target = t;
  target.threads = false;
  products(target);
  activations(target);
}
