// RUN: rnn-opt %s --kernel-select-schedule=targets=v3 --kernel-choose-target --kernel-outline --convert-kernel-to-loops --split-input-file | FileCheck %s
// RUN: rnn-opt %s --kernel-select-schedule=targets=v3 --kernel-choose-target --kernel-outline --convert-kernel-to-loops=threads=false --split-input-file | FileCheck %s --check-prefix=ALONE
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Rows are shared out; the kernel does the rows it is told to.

// CHECK-LABEL: func.func @rows
// CHECK-SAME: %[[CTX:[a-z0-9]+]]: !llvm.ptr)
// CHECK: call @rnnc.kernel.0.tasks(%[[CTX]],
// CHECK-LABEL: func.func private @rnnc.kernel.0.tasks(
// CHECK: arith.cmpi slt
// CHECK: scf.if
// CHECK: call @rnnc.kernel.0(
// CHECK: else
// CHECK: llvm.call @rnnc_rt_cut_loop
// CHECK-LABEL: func.func private @rnnc.kernel.0(
// CHECK-SAME: %{{[a-z0-9]+}}: !llvm.ptr, %[[FROM:[a-z0-9]+]]: i64, %[[TO:[a-z0-9]+]]: i64) attributes
// CHECK: %[[I:.*]] = arith.index_cast %[[FROM]]
// CHECK: scf.for %{{.*}} = %[[I]] to
// CHECK: math.tanh

// ALONE-LABEL: func.func @rows
// ALONE-NOT: .tasks(
#id = affine_map<(i, j) -> (i, j)>
func.func @rows(%x: memref<?x60xf32, strided<[64, 1]>>, %y: memref<?x60xf32, strided<[64, 1]>>) {
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x : memref<?x60xf32, strided<[64, 1]>>) outs(%y : memref<?x60xf32, strided<[64, 1]>>) {
  ^bb0(%a: f32, %o: f32):
    %0 = math.tanh %a : f32
    linalg.yield %0 : f32
  }
  return
}

// -----

// Sums along the columns of a matrix: columns are shared out in blocks, rows
// go by a few at a time, in order.

// CHECK-LABEL: func.func @columns
// CHECK: call @rnnc.kernel.0.tasks(
// CHECK-LABEL: func.func private @rnnc.kernel.0(
// CHECK: scf.for {{.*}} step %c256
// CHECK: scf.for {{.*}} step %c16
// CHECK: scf.for {{.*}} step %c64
// CHECK: scf.for {{.*}} iter_args
#id = affine_map<(i, j) -> (i, j)>
#col = affine_map<(i, j) -> (j)>
func.func @columns(%x: memref<?x1024xf32>, %y: memref<1024xf32>) {
  linalg.generic {indexing_maps = [#id, #col], iterator_types = ["reduction", "parallel"]}
      ins(%x : memref<?x1024xf32>) outs(%y : memref<1024xf32>) {
  ^bb0(%a: f32, %o: f32):
    %0 = arith.addf %o, %a : f32
    linalg.yield %0 : f32
  }
  return
}

// -----

// A sum of everything and a scatter, whose rows may meet, are not cut.

// CHECK-LABEL: func.func @alone
// CHECK: call @rnnc.kernel.0(
// CHECK: call @rnnc.kernel.1(
// CHECK-NOT: tasks
#all = affine_map<(i) -> (i)>
#none = affine_map<(i) -> ()>
func.func @alone(%x: memref<?xf32>, %y: memref<f32>, %u: memref<?x64xf32>, %i: memref<?xi32>, %t: memref<100x64xf32>) {
  linalg.generic {indexing_maps = [#all, #none], iterator_types = ["reduction"]}
      ins(%x : memref<?xf32>) outs(%y : memref<f32>) {
  ^bb0(%a: f32, %o: f32):
    %0 = arith.addf %o, %a : f32
    linalg.yield %0 : f32
  }
  kernel.scatter_add ins(%u, %i : memref<?x64xf32>, memref<?xi32>) outs(%t : memref<100x64xf32>)
  return
}
