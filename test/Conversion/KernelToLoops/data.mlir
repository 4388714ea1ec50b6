// RUN: rnn-opt %s --kernel-select-schedule=targets=v3 --kernel-choose-target --convert-kernel-to-loops --split-input-file | FileCheck %s
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Rows are copied as vectors; an index outside of the table reads row 0.

// CHECK-LABEL: func.func @gather
// CHECK: scf.for
// CHECK: %[[RAW:.*]] = memref.load
// CHECK: %[[I:.*]] = arith.index_cast %[[RAW]]
// CHECK: arith.cmpi ult, %[[I]]
// CHECK: arith.select
// CHECK: vector.load
func.func @gather(%t: memref<100x64xf32>, %i: memref<?xi32>, %y: memref<?x64xf32>) {
  kernel.gather ins(%t, %i : memref<100x64xf32>, memref<?xi32>) outs(%y : memref<?x64xf32>)
  return
}

// -----

// Random rows come from the runtime.

// CHECK: llvm.func @rnnc_rt_philox_uniform_f32(!llvm.ptr, i64, i64, i64, i64, i64, !llvm.ptr)
// CHECK-LABEL: func.func @random
// CHECK: scf.for
// CHECK: scf.for
// CHECK: llvm.call @rnnc_rt_philox_uniform_f32
func.func @random(%key: memref<2xi64>, %y: memref<?x?x64xf32>) {
  kernel.random ins(%key : memref<2xi64>) outs(%y : memref<?x?x64xf32>) {site = 3 : i64, time_dim = 0 : i64, batch_dim = 1 : i64}
  return
}

// -----

// A second time axis before the rows counts elements, 8 for each of its steps.

// CHECK-LABEL: func.func @random_two_times
// CHECK: scf.for %[[T:.*]] =
// CHECK: scf.for %[[S:.*]] =
// CHECK: scf.for %[[B:.*]] =
// CHECK-DAG: %[[ROW:.*]] = arith.index_cast %[[B]]
// CHECK-DAG: %[[STEP:.*]] = arith.index_cast %[[T]]
// CHECK-DAG: %[[EIGHT:.*]] = arith.constant 8 : index
// CHECK-DAG: %[[SKIPPED:.*]] = arith.muli %[[S]], %[[EIGHT]]
// CHECK-DAG: %[[FIRST:.*]] = arith.index_cast %[[SKIPPED]]
// CHECK: llvm.call @rnnc_rt_philox_uniform_f32(%{{.*}}, %{{.*}}, %[[ROW]], %[[STEP]], %[[FIRST]], %{{.*}}, %{{.*}})
func.func @random_two_times(%key: memref<2xi64>, %y: memref<?x?x?x8xf32>) {
  kernel.random ins(%key : memref<2xi64>) outs(%y : memref<?x?x?x8xf32>) {site = 3 : i64, time_dim = 0 : i64, batch_dim = 2 : i64}
  return
}

// -----

// CHECK-LABEL: func.func @mask
// CHECK: scf.for
// CHECK: arith.cmpi slt
// CHECK: scf.if
func.func @mask(%h: memref<?x64xf32>, %l: memref<?xi32>, %t: index) {
  kernel.mask_rows outs(%h : memref<?x64xf32>) lengths(%l : memref<?xi32>) at(%t) {batch_dim = 0 : i64}
  return
}

// -----

// Every row is written behind the list, and the list grows where it counts.

// CHECK-LABEL: func.func @valid
// CHECK: %[[COUNT:.*]] = scf.for {{.*}} iter_args(%[[N:.*]] = %c0) -> (index)
// CHECK: %[[NEXT:.*]] = arith.addi %[[N]], %c1
// CHECK: memref.store %{{.*}}, %{{.*}}[%[[NEXT]]]
// CHECK: %[[IS:.*]] = arith.cmpi sgt
// CHECK: arith.select %[[IS]], %[[NEXT]], %[[N]]
// CHECK: arith.index_cast %[[COUNT]]
func.func @valid(%len: memref<?xi32>, %rows: memref<?xi32>, %t: index) {
  kernel.valid_rows ins(%len : memref<?xi32>) outs(%rows : memref<?xi32>) at(%t)
  return
}
