/* functions.c: the functions of functions.h on the host.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "functions.h"

void floats(int which, const float *x, float *y, int n) {
  for (int i = 0; i < n; ++i)
    y[i] = oneFloat(which, x[i], i);
}

void doubles(int which, const double *x, double *y, int n) {
  for (int i = 0; i < n; ++i)
    y[i] = oneDouble(which, x[i], i);
}

void integers(int which, const uint64_t *x, uint64_t *y, int n) {
  for (int i = 0; i < n; ++i)
    y[i] = oneInteger(which, x[i], i);
}
