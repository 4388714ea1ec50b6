// RUN: split-file %s %t
// RUN: rnn-opt %t/in.mlir --kernel-select-schedule=targets=v3 | FileCheck %s
// RUN: rnn-opt %t/in.mlir --kernel-select-schedule=targets=v3 --remarks-filter=.* -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK
// RUN: rnn-opt %t/in.mlir --kernel-select-schedule="targets=v3 schedule=%t/other" | FileCheck %s --check-prefix=OTHER
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Two layers that work a chunk apart run side by side; from 16 rows on they
// share rows instead.
// CHECK-DAG: #[[BESIDE:.*]] = #kernel.schedule<"v3" cut_rows = 16, beside = 2, worth_tasks = 131072>
// CHECK-DAG: #[[CHUNKS:.*]] = #kernel.schedule<"v3" chunk_bytes = {{.*}}, least_chunks = 8, chunk_rows = 32>
// CHECK-LABEL: func @stack
// CHECK: scan.chunks {{.*}} kernel.schedules = [#[[CHUNKS]]]
// CHECK: kernel.beside = 0 : i64, kernel.name = "stack/beside0", kernel.schedules = [#[[BESIDE]]]
// CHECK: kernel.beside = 0 : i64
// REMARK: `stack/chunks0`: {{.*}} two parts of them work a chunk apart, in 8 chunks or more where each has 32 rows
// OTHER-DAG: least_chunks = 3, chunk_rows = 32
// OTHER-DAG: cut_rows = 99, beside = 2

//--- other
stack/chunks0: least_chunks = 3
stack/beside0: cut_rows = 99

//--- in.mlir
func.func @stack(%x: tensor<?x?x4xf32>, %len: tensor<?xi32>, %h0: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %c0 = arith.constant 0 : index
  %T = tensor.dim %x, %c0 : tensor<?x?x4xf32>
  %B = tensor.dim %len, %c0 : tensor<?xi32>
  %n, %k = scan.chunks %T rows(%B) {bytes = 32 : i64, stages = 2 : i64, weights = 128 : i64}
  %xs = scan.split %x into(%n, %k) : tensor<?x?x4xf32> -> tensor<?x?x?x4xf32>
  %r:2 = scan.loop trip(%n) slices(%s = %xs : tensor<?x?x?x4xf32>) carry(%a = %h0 : tensor<?x4xf32>, %b = %h0 : tensor<?x4xf32>) step(%t) {
    %begin = arith.muli %t, %k : index
    %l = scan.part_lengths %len from(%begin) steps(%k)
    %one = scan.loop trip(%k) lengths(%l) slices(%i = %s : tensor<?x?x4xf32>) carry(%h = %a : tensor<?x4xf32>) step(%u) {
      %m = arith.addf %h, %i : tensor<?x4xf32>
      scan.yield carry(%m : tensor<?x4xf32>)
    } -> (tensor<?x4xf32>)
    %two = scan.loop trip(%k) lengths(%l) slices(%i = %s : tensor<?x?x4xf32>) carry(%h = %b : tensor<?x4xf32>) step(%u) {
      %m = arith.mulf %h, %i : tensor<?x4xf32>
      scan.yield carry(%m : tensor<?x4xf32>)
    } -> (tensor<?x4xf32>)
    scan.yield carry(%one, %two : tensor<?x4xf32>, tensor<?x4xf32>)
  } -> (tensor<?x4xf32>, tensor<?x4xf32>) {recompute}
  return %r#1 : tensor<?x4xf32>
}
