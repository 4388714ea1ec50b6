// What tensor cores multiply is noted on the module; where they have nothing to
// multiply that is an error at what stays as it is.
// RUN: rnn-opt %s --kernel-select-schedule="targets=v3,sm_80 product-type=tf32" --remarks-filter=.* 2>&1 | FileCheck %s
// RUN: sed 's/2048/20/g' %s | not rnn-opt --kernel-select-schedule="targets=sm_80 product-type=bf16" 2>&1 | FileCheck %s --check-prefix=SMALL
// RUN: not rnn-opt %s --kernel-select-schedule="targets=v3 product-type=bf16" 2>&1 | FileCheck %s --check-prefix=CPU
// RUN: not rnn-opt %s --kernel-select-schedule="targets=sm_80 product-type=f16" 2>&1 | FileCheck %s --check-prefix=WORD
// RUN: rnn-opt %s --kernel-select-schedule="targets=sm_80 product-type=f32" | FileCheck %s --check-prefix=F32
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// CHECK: `large/product0` on sm_80: there is a block of threads for 128 x 128 of the result, of factors in tf32 where it has 512 rows or more, else a thread for 8 rows of each column
// CHECK: kernel.product_type = "tf32"
// SMALL: :[[@LINE+5]]:8: error: [E424] bf16 changes nothing: no product is so large that a GPU makes its result in tiles
// CPU: error: [E424] bf16 changes nothing: no product is made on a GPU
// WORD: error: there is no type `f16` of products
// F32-NOT: product_type
func.func @large(%x: tensor<?x8xf32>, %W: tensor<2048x8xf32>) -> tensor<?x2048xf32> {
  %0 = scan.dot %x, %W batch = [[], []] contract = [[1], [1]] : tensor<?x8xf32>, tensor<2048x8xf32> -> tensor<?x2048xf32>
  return %0 : tensor<?x2048xf32>
}
