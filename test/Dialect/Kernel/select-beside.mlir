// RUN: split-file %s %t
// RUN: rnn-opt %t/in.mlir --kernel-select-schedule=targets=v3 | FileCheck %s
// RUN: rnn-opt %t/in.mlir --kernel-select-schedule=targets=v3 --remarks-filter=.* -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK
// RUN: rnn-opt %t/in.mlir --kernel-select-schedule="targets=v3 schedule=%t/never" | FileCheck %s --check-prefix=NEVER
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Two directions do not need each other; the loop that reads both stands alone.
// CHECK: #[[BESIDE:.*]] = #kernel.schedule<"v3" cut_rows = 1099511627776, beside = 2, worth_tasks = 131072>
// CHECK-LABEL: func.func @both
// CHECK: scan.loop
// CHECK: kernel.beside = 0 : i64
// CHECK-SAME: kernel.name = "both/beside0"
// CHECK-SAME: kernel.schedules = [#[[BESIDE]]]
// CHECK: scan.loop {{.*}} reverse
// CHECK: kernel.beside = 0 : i64
// CHECK: scan.loop
// CHECK-NOT: kernel.beside
// CHECK: return
// REMARK: `both/beside0`: 2 time loops do not need each other: they run side by side on up to 2 threads; more share each kernel
// NEVER: #kernel.schedule<"v3" cut_rows = 1099511627776, beside = 1, worth_tasks = 131072>

//--- in.mlir
func.func @both(%x: tensor<?x?x8xf32>, %h0: tensor<?x8xf32>, %T: index) -> tensor<?x8xf32> {
  %fw, %f = scan.loop trip(%T) slices(%a = %x : tensor<?x?x8xf32>) carry(%h = %h0 : tensor<?x8xf32>) step(%t) {
    %n = arith.addf %h, %a : tensor<?x8xf32>
    scan.yield carry(%n : tensor<?x8xf32>) stack(%n : tensor<?x8xf32>)
  } -> (tensor<?x?x8xf32>, tensor<?x8xf32>)
  %bw, %b = scan.loop trip(%T) reverse slices(%a = %x : tensor<?x?x8xf32>) carry(%h = %h0 : tensor<?x8xf32>) step(%t) {
    %n = arith.addf %h, %a : tensor<?x8xf32>
    scan.yield carry(%n : tensor<?x8xf32>) stack(%n : tensor<?x8xf32>)
  } -> (tensor<?x?x8xf32>, tensor<?x8xf32>)
  %s = arith.addf %fw, %bw : tensor<?x?x8xf32>
  %r = scan.loop trip(%T) slices(%a = %s : tensor<?x?x8xf32>) carry(%h = %h0 : tensor<?x8xf32>) step(%t) {
    %n = arith.addf %h, %a : tensor<?x8xf32>
    scan.yield carry(%n : tensor<?x8xf32>)
  } -> (tensor<?x8xf32>)
  return %r : tensor<?x8xf32>
}

//--- never
both/beside0: beside = 1
