/* peak.c: what one core can do at most: fused multiply-adds, and reads of
 * memory of several sizes, as a line of JSON. Build with -O3 -march=native.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#if defined(__AVX512F__)
#define BYTES 64
#elif defined(__AVX__)
#define BYTES 32
#else
#define BYTES 16
#endif
#define LANES (BYTES / 4)
typedef float vec __attribute__((vector_size(BYTES)));

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

#define EACH(f) f(0) f(1) f(2) f(3) f(4) f(5) f(6) f(7) f(8) f(9) f(10) f(11)

/* Twelve sums, so that no multiply-add waits for the one before. */
static double flops(long n) {
  vec factor, term;
  for (int i = 0; i < LANES; ++i)
    factor[i] = 0.999f, term[i] = 0.001f;
#define DECLARE(k) vec sum##k = term * (float)k;
#define STEP(k) sum##k = sum##k * factor + term;
#define KEEP(k) +sum##k[0]
  EACH(DECLARE)
  double start = now();
  for (long i = 0; i < n; ++i) {
    __asm__ volatile("");
    EACH(STEP)
  }
  double spent = now() - start;
  volatile float keep = 0 EACH(KEEP);
  (void)keep;
  return 2.0 * LANES * 12 * (double)n / spent;
}

static double reads(const float *memory, long count, long times) {
  vec sums[8] = {0};
  double start = now();
  for (long r = 0; r < times; ++r) {
    __asm__ volatile("" ::: "memory");
    for (long i = 0; i + 8 * LANES <= count; i += 8 * LANES)
#pragma GCC unroll 8
      for (int k = 0; k < 8; ++k)
        sums[k] += *(const vec *)(memory + i + k * LANES);
  }
  double spent = now() - start;
  volatile float keep = 0;
  for (int k = 0; k < 8; ++k)
    keep += sums[k][0];
  return 4.0 * (double)count * (double)times / spent;
}

static double best(double a, double b) { return a > b ? a : b; }

int main(void) {
  static const struct {
    const char *name;
    long bytes;
  } sizes[] = {{"16 KiB", 16l << 10},
               {"512 KiB", 512l << 10},
               {"1.5 MiB", 1536l << 10},
               {"8 MiB", 8l << 20},
               {"64 MiB", 64l << 20}};
  double most = 0;
  for (int r = 0; r < 20; ++r)
    most = best(most, flops(1000000));
  printf("{\"fma_gflops\": %.1f, \"read_gbs\": {", most * 1e-9);
  float *memory = aligned_alloc(64, 64l << 20);
  if (!memory)
    return 1;
  for (long i = 0; i < (64l << 18); ++i)
    memory[i] = 1;
  for (unsigned s = 0; s < sizeof(sizes) / sizeof(*sizes); ++s) {
    double rate = 0;
    long times = (128l << 20) / sizes[s].bytes;
    for (int r = 0; r < 5; ++r)
      rate = best(rate, reads(memory, sizes[s].bytes / 4, times));
    printf("%s\"%s\": %.1f", s ? ", " : "", sizes[s].name, rate * 1e-9);
  }
  printf("}}\n");
  free(memory);
  return 0;
}
