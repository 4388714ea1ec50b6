// RUN: rnn-opt %s --kernel-select-schedule=targets=v3 --kernel-choose-target --kernel-outline --convert-kernel-to-loops | FileCheck %s
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A row of a few units is computed in vectors, whatever the rows are listed in.
// CHECK-LABEL: func.func private @rnnc.kernel.0(
// CHECK: math.tanh %{{.*}} : vector<8xf32>
// CHECK-NOT: math.tanh %{{.*}} : f32
func.func @listed(%h: memref<?x3xf32>, %p: memref<104xf32>, %o: memref<?x12xf32>, %rows: memref<?xi32>) {
  kernel.phase products(%h : memref<?x3xf32>) with(%p : memref<104xf32>) outs(%o : memref<?x12xf32>)
      valid(%rows : memref<?xi32>) columns([array<i64: 0>]) maps([]) attributes {packed} {
  ^bb0(%a: f32):
    %0 = math.tanh %a : f32
    kernel.yield %0 : f32
  }
  return
}
