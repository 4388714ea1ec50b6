// RUN: rnn-opt %s --kernel-select-schedule=targets=v4 --kernel-choose-target --convert-kernel-to-loops | FileCheck %s
// RUN: rnn-opt %s --kernel-select-schedule=targets=v4 --kernel-choose-target --convert-kernel-to-loops=threads=false | FileCheck %s --check-prefix=ALONE
// RUN: rnn-opt %s --kernel-select-schedule=targets=v2 --kernel-choose-target --convert-kernel-to-loops | FileCheck %s --check-prefix=SSE
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Packing and products are calls of routines made once a module.

// CHECK-LABEL: func.func @twice
// CHECK: call @rnnc.gemm.pack.tasks.f32(%[[CTX:[a-z0-9]+]],
// CHECK: call @rnnc.gemm.packed.tasks.f32(%[[CTX]],
// CHECK: call @rnnc.gemm.packed.tasks.f32(%[[CTX]],
// What has to be packed goes to the scratch memory, a part a task.
// CHECK: %[[PART:.*]] = arith.constant 393728 : i64
// CHECK: call @rnnc.gemm.tasks.f32(%[[CTX]], {{.*}}, %[[PART]])
func.func @twice(%u: memref<128x32xf32>, %p: memref<4128xf32>, %h: memref<?x32xf32>,
                 %z: memref<?x128xf32>, %d: memref<128x32xf32>, %s: memref<3149824xi8>) {
  kernel.pack ins(%u : memref<128x32xf32>) outs(%p : memref<4128xf32>) {trans}
  kernel.gemm ins(%h, %p : memref<?x32xf32>, memref<4128xf32>) outs(%z : memref<?x128xf32>) {packed_b}
  kernel.gemm ins(%h, %p : memref<?x32xf32>, memref<4128xf32>) outs(%z : memref<?x128xf32>) {accumulate, packed_b}
  kernel.gemm ins(%z, %h : memref<?x128xf32>, memref<?x32xf32>) outs(%d : memref<128x32xf32>) scratch(%s : memref<3149824xi8>) {trans_a}
  return
}

// Panels [from, to) of all: a part begins at panel `from`, 32 columns wide.
// CHECK: func.func private @rnnc.gemm.pack.part.f32(%{{.*}}: !llvm.ptr, %[[FROM:.*]]: i64, %[[TO:.*]]: i64)
// CHECK: arith.muli %[[FROM]], %c32
// CHECK: arith.subi %[[TO]], %[[FROM]]
// CHECK: call @rnnc.gemm.pack.f32
// What is worth it: 16384 numbers.
// CHECK: func.func private @rnnc.gemm.pack.tasks.f32
// CHECK: arith.cmpi slt, %{{.*}}, %c16384_i64
// CHECK: llvm.call @rnnc_rt_cut_loop
// CHECK-DAG: func.func private @rnnc.gemm.packed.f32
// CHECK-DAG: math.fma {{.*}} vector<16xf32>
// SSE-NOT: math.fma
// ALONE-LABEL: func.func @twice
// ALONE: call @rnnc.gemm.pack.f32
// ALONE: call @rnnc.gemm.packed.f32
// ALONE-NOT: rnnc_rt_parallel_for
