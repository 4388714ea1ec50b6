// RUN: rnn-opt %s --kernel-unroll-loops --canonicalize --split-input-file --verify-diagnostics | FileCheck %s
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A number of steps that is known only when running: two at a time, then what
// is left.
// CHECK-LABEL: func.func @running(
// CHECK-SAME: %{{.*}}, %[[T:arg1]]: index)
// CHECK-DAG: %[[ONE:.*]] = arith.constant 1 : index
// CHECK-DAG: %[[TWO:.*]] = arith.constant 2 : index
// CHECK: %[[REST:.*]] = arith.remsi %[[T]], %[[TWO]]
// CHECK: %[[EVEN:.*]] = arith.subi %[[T]], %[[REST]]
// CHECK: scf.for %[[I:.*]] = %{{.*}} to %[[EVEN]] step %[[TWO]] {
// CHECK-NEXT: memref.store %{{.*}}, %{{.*}}[%[[I]]]
// CHECK-NEXT: %[[J:.*]] = arith.addi %[[I]], %[[ONE]]
// CHECK-NEXT: memref.store %{{.*}}, %{{.*}}[%[[J]]]
// CHECK-NEXT: }
// CHECK: scf.for %[[K:.*]] = %[[EVEN]] to %[[T]] step %[[ONE]] {
// CHECK-NEXT: memref.store %{{.*}}, %{{.*}}[%[[K]]]
// CHECK-NOT: kernel.unroll
func.func @running(%m: memref<?xf32>, %T: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %x = arith.constant 1.0 : f32
  scf.for %i = %c0 to %T step %c1 {
    memref.store %x, %m[%i] : memref<?xf32>
  } {kernel.unroll = 2 : i64}
  return
}

// -----

// Five steps by four; loops without the mark, or by one, are left.
// CHECK-LABEL: func.func @known(
// CHECK-COUNT-4: memref.store
// CHECK-NOT: memref.store %{{.*}}[%arg
// CHECK: memref.store
// CHECK: scf.for
// CHECK-NEXT: memref.store
// CHECK-NEXT: }
// CHECK: scf.for
// CHECK-NEXT: memref.store
// CHECK-NEXT: }
// CHECK-NOT: kernel.unroll
func.func @known(%m: memref<?xf32>, %T: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c5 = arith.constant 5 : index
  %x = arith.constant 1.0 : f32
  scf.for %i = %c0 to %c5 step %c1 {
    memref.store %x, %m[%i] : memref<?xf32>
  } {kernel.unroll = 4 : i64}
  scf.for %i = %c0 to %T step %c1 {
    memref.store %x, %m[%i] : memref<?xf32>
  }
  scf.for %i = %c0 to %T step %c1 {
    memref.store %x, %m[%i] : memref<?xf32>
  } {kernel.unroll = 1 : i64}
  return
}

// -----

func.func @negative(%m: memref<?xf32>, %T: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %x = arith.constant 1.0 : f32
  // expected-error @+1 {{attribute `kernel.unroll` must be an integer from 1 to 1024}}
  scf.for %i = %c0 to %T step %c1 {
    memref.store %x, %m[%i] : memref<?xf32>
  } {kernel.unroll = -2 : i64}
  return
}
