/* functions.h: functions of one number or three, compiled for the host and, by
 * nvcc, for the interpreter. SPDX-License-Identifier: Apache-2.0 WITH
 * LLVM-exception */
#ifndef RNNC_TEST_GPU_FUNCTIONS_H
#define RNNC_TEST_GPU_FUNCTIONS_H

#include <math.h>
#include <stdint.h>

#ifdef __CUDACC__
#define HERE __device__
#else
#define HERE
#endif

HERE static float polynomial(float x, int n) {
  float sum = 0.5f;
  for (int i = 0; i < n; ++i)
    sum = fmaf(sum, x, 1.0f / (float)(i + 1));
  return sum;
}

HERE static float oneFloat(int which, float x, int i) {
  switch (which) {
  case 0:
    return expf(x);
  case 1:
    return tanhf(x);
  case 2:
    return logf(fabsf(x) + 0.25f);
  case 3:
    return sinf(x) + cosf(0.5f * x);
  case 4:
    return sqrtf(fabsf(x)) / (1 + x * x);
  case 5:
    return polynomial(0.25f * x, i & 7);
  case 6:
    return floorf(x) + rintf(4 * x) + truncf(x);
  case 7:
    return fminf(x, 0.5f) * fmaxf(x, -0.5f);
  case 8:
    return ldexpf(x, i % 5) + copysignf(2.0f, x);
  default:
    return powf(fabsf(x) + 0.1f, 1.5f);
  }
}

HERE static double oneDouble(int which, double x, int i) {
  double table[8];
  switch (which) {
  case 0:
    return exp(x);
  case 1:
    return tanh(x) + log1p(fabs(x));
  case 2:
    return x / (3.0 + i);
  case 3:
    return sqrt(fabs(x)) * 1e-3;
  case 4:
    for (int k = 0; k < 8; ++k)
      table[k] = x * k;
    return table[i & 7] + table[(i >> 3) & 7];
  default:
    return (double)(float)x + (double)(int)(100 * x);
  }
}

HERE static uint64_t oneInteger(int which, uint64_t x, int i) {
  uint32_t low = (uint32_t)x;
  switch (which) {
  case 0:
    return x / 7 + x % (unsigned)(i + 1);
  case 1:
    return (uint64_t)((int64_t)x / (i + 3)) ^ (uint64_t)((int32_t)low % 11);
  case 2:
    return (x << (i & 63)) | (x >> (63 - (i & 63)));
  case 3:
    return (low << (i & 31)) | (low >> ((32 - i) & 31));
  case 4:
    return (uint64_t)low * 0x9e3779b9u + (x >> 32) * x;
  case 5:
    return (uint64_t)(int8_t)x + (uint16_t)(x >> 16) + (x & 0xff00) / 3;
  case 6: {
    uint32_t bits = 0;
    for (; low; low &= low - 1)
      ++bits;
    return bits;
  }
  case 7:
    return low > 1000 && (i & 1) ? low - 1000u : low ^ 0xffu;
  default:
    return (uint64_t)((int64_t)(int32_t)low >> (i & 15));
  }
}

#endif
