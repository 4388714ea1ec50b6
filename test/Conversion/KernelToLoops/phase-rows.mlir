// Rows that are combined: each in stages, what a later stage reads of a function in a row of scratch memory.
// RUN: rnn-opt %s --kernel-select-schedule=targets=v3 --kernel-choose-target --kernel-outline --convert-kernel-to-loops --split-input-file | FileCheck %s
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Time and examples are one dimension where memory allows it; rows may be cut into tasks.
// CHECK-LABEL: func.func @softmax(
// CHECK: call @rnnc.kernel.0.tasks
// CHECK-LABEL: func.func private @rnnc.kernel.0(
// CHECK: memref.collapse_shape
// CHECK-DAG: %[[M:.*]] = memref.alloca() {alignment = 64 : i64} : memref<f32>
// CHECK-DAG: %[[KEPT:.*]] = memref.alloca() {alignment = 64 : i64} : memref<16xf32>
// CHECK: scf.for
// CHECK-NOT: arith.divui
// CHECK: arith.maximumf %{{.*}} : vector<8xf32>
// CHECK: math.exp %{{.*}} : vector<8xf32>
// CHECK: vector.store %{{.*}}, %[[KEPT]]
// CHECK: vector.store %{{.*}}, %[[KEPT]]
// CHECK-NOT: math.exp
// CHECK: math.log %{{.*}} : f32
// CHECK: vector.load %[[KEPT]]
// CHECK: return
func.func @softmax(%x: memref<?x?x16xf32>, %o: memref<?x?x16xf32>, %l: memref<?x?xf32>) {
  kernel.phase ins(%x : memref<?x?x16xf32>) outs(%o, %l : memref<?x?x16xf32>, memref<?x?xf32>)
      columns([]) maps([affine_map<(d0, d1, d2) -> (d0, d1, d2)>]) attributes {per_row = array<i64: 1>} {
  ^bb0(%in: f32):
    %m = kernel.reduce_row max %in : f32
    %d = arith.subf %in, %m : f32
    %e = math.exp %d : f32
    %s = kernel.reduce_row sum %e : f32
    %n = math.log %s : f32
    %p = arith.divf %e, %s : f32
    kernel.yield %p, %n : f32, f32
  }
  return
}

// -----

// Rows of a list: their places in time and among examples follow where both are read by themselves.
// CHECK-LABEL: func.func private @rnnc.kernel.0(
// CHECK: scf.for
// CHECK: memref.load %{{.*}} : memref<?xi64
// CHECK: arith.remui
// CHECK: arith.divui
func.func @places(%x: memref<?x?x16xf32>, %t: memref<?xf32>, %o: memref<?x?x16xf32>, %v: memref<?xi64>) {
  kernel.phase ins(%x, %t : memref<?x?x16xf32>, memref<?xf32>) outs(%o : memref<?x?x16xf32>)
      valid(%v : memref<?xi64>) columns([]) maps([affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d1)>]) {
  ^bb0(%in: f32, %w: f32):
    %m = kernel.reduce_row max %in : f32
    %d = arith.mulf %m, %w : f32
    kernel.yield %d : f32
  }
  return
}

// -----

// With a product: all units of a tile of rows, then each row.
// CHECK-LABEL: func.func private @rnnc.kernel.0(
// CHECK-DAG: memref.alloca() {alignment = 64 : i64} : memref<{{[0-9]}}x1x12xf32>
// CHECK: scf.for
// CHECK: scf.for
// CHECK: call @rnnc.gemm.phase.rows1x2.f32
// CHECK: arith.maximumf
// CHECK: return
func.func @logits(%h: memref<?x3xf32>, %U: memref<12x3xf32>, %o: memref<?x12xf32>) {
  %p = memref.alloc() : memref<68xf32>
  kernel.pack ins(%U : memref<12x3xf32>) outs(%p : memref<68xf32>) {trans, columns = array<i64: 0>, units = 12 : i64}
  kernel.phase products(%h : memref<?x3xf32>) with(%p : memref<68xf32>) outs(%o : memref<?x12xf32>)
      columns([array<i64: 0>]) maps([]) attributes {packed} {
  ^bb0(%a: f32):
    %m = kernel.reduce_row max %a : f32
    %0 = arith.subf %a, %m : f32
    kernel.yield %0 : f32
  }
  return
}
