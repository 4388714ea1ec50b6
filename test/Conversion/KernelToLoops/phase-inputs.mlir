// RUN: rnn-opt %s --kernel-select-schedule=targets=v3 --kernel-choose-target --kernel-outline --convert-kernel-to-loops=threads=false | FileCheck %s
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What the region reads of a tile's rows is asked for before the products: in
// each row the end of the panel's part, as the last panel had the line where it
// begins. What all rows share is there, and so is what nothing reads.
#ofRow = affine_map<(r, u) -> (r, u)>
#ofAll = affine_map<(r, u) -> (u)>
// CHECK-LABEL: func.func private @rnnc.kernel.0(
// CHECK: memref.store %{{.*}} : memref<5xi64>
// CHECK-NEXT: %[[END:.*]] = arith.addi
// CHECK-NEXT: arith.constant 1
// CHECK-NEXT: %[[LAST:.*]] = arith.subi %[[END]],
// CHECK-NEXT: memref.prefetch %{{.*}}[%{{.*}}, %[[LAST]]], read, locality<3>, data : memref<?x64xf32>
// CHECK-NOT: memref.prefetch
// CHECK: call @rnnc.gemm.phase.rows
func.func @step(%h: memref<?x64xf32>, %p: memref<4128xf32>, %x: memref<?x64xf32>, %b: memref<64xf32>, %y: memref<?x64xf64>, %o: memref<?x64xf32>) {
  kernel.phase products(%h : memref<?x64xf32>) with(%p : memref<4128xf32>) ins(%x, %b, %y : memref<?x64xf32>, memref<64xf32>, memref<?x64xf64>) outs(%o : memref<?x64xf32>)
      columns([array<i64: 0>]) maps([#ofRow, #ofAll, #ofRow]) attributes {packed} {
  ^bb0(%a: f32, %in: f32, %bias: f32, %unread: f64):
    %0 = arith.addf %a, %in : f32
    %1 = arith.addf %0, %bias : f32
    kernel.yield %1 : f32
  }
  return
}
