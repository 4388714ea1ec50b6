// RUN: rnn-opt %s --kernel-select-schedule=targets=v4 --kernel-choose-target --convert-kernel-to-loops | FileCheck %s
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Rows that a list names are found through it, and so are terms: as many as the
// list has.

// CHECK-LABEL: func.func @rows(
// CHECK: %[[ROWS:.*]] = memref.dim %arg3
// CHECK: %[[N:.*]] = arith.index_cast %[[ROWS]]
// CHECK: call @rnnc.gemm.packed.tasks.f32({{.*}}, %[[N]], %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %[[LIST:.*]], %[[NONE:.*]], %{{.*}}) :
func.func @rows(%a: memref<?x8xf32>, %b: memref<64xf32>, %c: memref<?x4xf32>, %v: memref<?xi64>) {
  kernel.gemm ins(%a, %b : memref<?x8xf32>, memref<64xf32>) outs(%c : memref<?x4xf32>) valid(%v : memref<?xi64>) {packed_b}
  return
}

// CHECK-LABEL: func.func @terms(
// CHECK: memref.dim %arg4
// CHECK: call @rnnc.gemm.tasks.f32(
func.func @terms(%a: memref<?x8xf32>, %b: memref<?x4xf32>, %c: memref<8x4xf32>, %s: memref<?xi8>, %v: memref<?xi64>) {
  kernel.gemm ins(%a, %b : memref<?x8xf32>, memref<?x4xf32>) outs(%c : memref<8x4xf32>) scratch(%s : memref<?xi8>) valid(%v : memref<?xi64>) {trans_a}
  return
}

// Packing and the tile's rows look into the list.
// CHECK: func.func private @rnnc.gemm.packed.f32(
// CHECK: llvm.alloca
// CHECK: llvm.icmp "eq"
// CHECK: scf.if
