// RUN: rnn-opt %s --kernel-make-entries | FileCheck %s
// RUN: rnn-opt %s --lower-kernel-to-llvm=vector-bits=256 | FileCheck %s --check-prefix=LLVM
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// CHECK: func.func private @M.f(
// CHECK: func.func @M.f.entry(%[[ARGS:.*]]: !llvm.ptr, %[[DIMS:.*]]: !llvm.ptr, %[[WS:.*]]: !llvm.ptr, %{{.*}}: !llvm.ptr)
// CHECK: llvm.load
// CHECK: llvm.getelementptr %[[DIMS]][1]
// CHECK: call @M.f(
// CHECK: func.func private @M.f.workspace.size
// CHECK: func.func @M.f.workspace(%{{.*}}: !llvm.ptr) -> i64

// LLVM-DAG: llvm.func @M.f.entry(%{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr)
// LLVM-DAG: llvm.func @M.f.workspace(%{{.*}}: !llvm.ptr) -> i64
func.func @M.f(%x: memref<?x?x8xf32> {rnnc.shape = ["T", "batch", 8]},
               %y: memref<?x?x8xf32> {rnnc.shape = ["T", "batch", 8]},
               %w: memref<?xi8> {rnnc.role = "workspace"}) attributes {rnnc.dims = ["batch", "T"]} {
  memref.copy %x, %y : memref<?x?x8xf32> to memref<?x?x8xf32>
  return
}
func.func @M.f.workspace(%batch: index, %t: index) -> i64 {
  %0 = arith.muli %batch, %t : index
  %1 = arith.index_cast %0 : index to i64
  return %1 : i64
}
