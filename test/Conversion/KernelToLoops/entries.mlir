// RUN: rnn-opt %s --kernel-make-entries | FileCheck %s
// RUN: rnn-opt %s --kernel-select-schedule=targets=v3 --lower-kernel-to-llvm | FileCheck %s --check-prefix=LLVM
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The entry has the body of the function.
// CHECK-NOT: func.func private @M.f(
// CHECK: func.func @M.f.entry(%[[ARGS:.*]]: !llvm.ptr, %[[DIMS:.*]]: !llvm.ptr, %[[WS:.*]]: !llvm.ptr, %{{.*}}: !llvm.ptr)
// CHECK: llvm.load
// CHECK: llvm.getelementptr %[[DIMS]][1]
// CHECK: memref.copy
// CHECK-NEXT: return
// What cannot be held is the largest number, and not what is left of it.
// CHECK: func.func private @M.f.workspace.size
// CHECK: %[[DIGITS:.*]] = llvm.mlir.constant(0 : i32)
// CHECK: llvm.call_intrinsic "llvm.smul.fix.sat"(%{{.*}}, %{{.*}}, %[[DIGITS]]) : (i64, i64, i32) -> i64
// CHECK: llvm.intr.sadd.sat(%{{.*}}, %{{.*}}) : (i64, i64) -> i64
// CHECK: func.func @M.f.workspace(%{{.*}}: !llvm.ptr) -> i64

// LLVM-DAG: llvm.func @M.f.entry(%{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr)
// LLVM-DAG: llvm.func @M.f.workspace(%{{.*}}: !llvm.ptr) -> i64
func.func @M.f(%x: memref<?x?x8xf32> {rnnc.slot = #rnnc.slot<input "", ["T", "batch", 8]>},
               %y: memref<?x?x8xf32> {rnnc.slot = #rnnc.slot<input "", ["T", "batch", 8]>},
               %w: memref<?xi8> {rnnc.slot = #rnnc.slot<workspace "">}) attributes {rnnc.function = #rnnc.function<"" "f", ["batch", "T"]>} {
  memref.copy %x, %y : memref<?x?x8xf32> to memref<?x?x8xf32>
  return
}
func.func @M.f.workspace(%batch: index, %t: index) -> i64 {
  %c64 = arith.constant 64 : index
  %0 = arith.muli %batch, %t : index
  %1 = arith.addi %0, %c64 : index
  %2 = arith.index_cast %1 : index to i64
  return %2 : i64
}

// A function that others call stays, and the entry is one of them.
// CHECK: func.func private @M.g(
// CHECK: func.func @M.g.entry(
// CHECK: call @M.g(
func.func @M.g(%x: memref<8xf32>) attributes {rnnc.function = #rnnc.function<"" "f", []>} {
  return
}
func.func private @user(%x: memref<8xf32>) {
  call @M.g(%x) : (memref<8xf32>) -> ()
  return
}
