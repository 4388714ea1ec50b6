/* abi.c: what a program sees that works with any library.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include <rnnc/Runtime/ABI.h>

#include <stdio.h>

int main(void) {
  printf("version %d of the interface\n", RNNC_ABI_VERSION);
  return 0;
}
