// RUN: rnn-opt %s --kernel-choose-target --kernel-outline --convert-kernel-to-loops | FileCheck %s
// RUN: rnn-opt %s --kernel-choose-target --kernel-outline --convert-kernel-to-loops=threads=false | FileCheck %s --check-prefix=ALONE
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A task for each part where the team has two members, else both in turn, with
// the context: then kernels are cut. In a task nobody helps.

// CHECK-DAG: llvm.func @rnnc_rt_members(!llvm.ptr) -> i64
// CHECK: func.func private @[[TASK:.*part0.task]](%{{.*}}: !llvm.ptr, %{{.*}}: i64)
// CHECK: %[[NOBODY:.*]] = llvm.mlir.zero : !llvm.ptr
// CHECK: call @both.part0({{.*}}, %[[NOBODY]])
// CHECK: call @both.part1({{.*}}, %[[NOBODY]])
// CHECK-LABEL: func.func @both(
// CHECK-SAME: %[[CTX:[a-z0-9]+]]: !llvm.ptr)
// CHECK: llvm.alloca
// CHECK: %[[MEMBERS:.*]] = llvm.call @rnnc_rt_members(%[[CTX]])
// CHECK: arith.cmpi sgt, %[[MEMBERS]]
// CHECK: arith.cmpi sle, %[[MEMBERS]]
// CHECK: %[[LIMIT:.*]] = arith.constant 16 : i64
// CHECK: arith.cmpi slt, %{{.*}}, %[[LIMIT]]
// CHECK: scf.if
// CHECK: constant @[[TASK]]
// CHECK: llvm.call @rnnc_rt_parallel_for(%[[CTX]],
// CHECK: } else {
// CHECK: call @both.part0({{.*}}, %[[CTX]])
// CHECK: call @both.part1({{.*}}, %[[CTX]])
// CHECK-LABEL: func.func private @both.part0(
// CHECK: memref.subview
// CHECK: scf.for
// CHECK: call @rnnc.kernel.{{[0-9]}}.tasks(%[[OWN:[a-z0-9]+]],

// ALONE-NOT: rnnc_rt
// ALONE-LABEL: func.func @both(
// ALONE-NOT: scf.if
// ALONE: call @both.part0
// ALONE: call @both.part1
#id = affine_map<(i, j) -> (i, j)>
#some = #kernel.schedule<"v3" element_block = 4096, column_block = 512, row_block = 16, direct_rows = 64, tasks = 8, worth_tasks = 16384, function_ops = 20, call_ops = 200>
#two = #kernel.schedule<"v3" cut_rows = 16, beside = 2, worth_tasks = 131072>
module attributes {kernel.targets = [#kernel.target<"v3", vector_bits = 256, registers = 16, fma = true, l1 = 32768, l2 = 1048576>], kernel.schedules = [#some]} {
  func.func @both(%x: memref<?x8xf32>, %y: memref<?x8xf32>, %T: index) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %n = memref.dim %x, %c0 : memref<?x8xf32>
    %half = memref.subview %x[0, 4] [%n, 4] [1, 1] : memref<?x8xf32> to memref<?x4xf32, strided<[8, 1], offset: 4>>
    kernel.beside terms(%n) rows(%n) attributes {kernel.schedules = [#two]} {
      scf.for %t = %c0 to %T step %c1 {
        linalg.generic {indexing_maps = [#id], iterator_types = ["parallel", "parallel"]}
            outs(%half : memref<?x4xf32, strided<[8, 1], offset: 4>>) {
        ^bb0(%o: f32):
          %0 = math.tanh %o : f32
          linalg.yield %0 : f32
        }
      }
    }, {
      scf.for %t = %c0 to %T step %c1 {
        linalg.generic {indexing_maps = [#id], iterator_types = ["parallel", "parallel"]}
            outs(%y : memref<?x8xf32>) {
        ^bb0(%o: f32):
          %0 = math.tanh %o : f32
          linalg.yield %0 : f32
        }
      }
    }
    return
  }
}
