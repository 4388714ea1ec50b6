// functions.cu: the functions of functions.h, a thread for each number.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "functions.h"

#define KERNEL(NAME, TYPE)                                                     \
  extern "C" __global__ void NAME(int which, const TYPE *x, TYPE *y, int n) {  \
    int i = blockIdx.x * blockDim.x + threadIdx.x;                             \
    if (i < n)                                                                 \
      y[i] = NAME##Of(which, x[i], i);                                         \
  }
#define floatsOf oneFloat
#define doublesOf oneDouble
#define integersOf oneInteger
KERNEL(floats, float)
KERNEL(doubles, double)
KERNEL(integers, uint64_t)
