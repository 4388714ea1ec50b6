// RUN: rnn-opt %s --kernel-select-schedule=targets=v3 --kernel-choose-target --kernel-outline --convert-kernel-to-loops | FileCheck %s
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// In a ragged batch rows come from a list: its first number says how many.
// CHECK-LABEL: func.func @ragged(
// CHECK-LABEL: func.func private @rnnc.kernel.{{[0-9]+}}(
// CHECK: %[[ROWS:.*]] = memref.alloca() {alignment = 64 : i64} : memref<{{[0-9]+}}xi64>
// CHECK: memref.load %[[LIST:[a-z_0-9]+]][%c0{{.*}}] : memref<?xi32>
// CHECK: scf.if
// CHECK: memref.load %[[LIST]][
// CHECK: memref.store {{.*}}, %[[ROWS]][
// CHECK: call @rnnc.gemm.phase.rows1x{{[12]}}.f32
// CHECK: memref.load %[[LIST]][
func.func @ragged(%h: memref<?x3xf32>, %p: memref<68xf32>, %o: memref<?x12xf32>, %v: memref<?xi32>) {
  kernel.phase products(%h : memref<?x3xf32>) with(%p : memref<68xf32>) outs(%o : memref<?x12xf32>)
      valid(%v : memref<?xi32>) columns([array<i64: 0>]) maps([]) attributes {packed} {
  ^bb0(%a: f32):
    kernel.yield %a : f32
  }
  return
}
