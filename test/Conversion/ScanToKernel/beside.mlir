// RUN: rnn-opt %s --kernel-select-schedule=targets=v3 --convert-scan-to-kernel | FileCheck %s
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Loops that run side by side are written together, when the last one has what it
// reads; what is packed for one of them is packed before both. Each has room of
// its own for what its products pack.
// CHECK-LABEL: func.func @both(
// CHECK: kernel.pack
// CHECK: kernel.pack
// CHECK: kernel.beside terms(%{{.*}}) rows(%{{.*}}) attributes {kernel.schedules = {{.*}}} {
// CHECK-NEXT: scf.for
// CHECK: kernel.gemm
// CHECK-SAME: scratch(%[[ONE:[a-z0-9_]+]]
// CHECK: }, {
// CHECK-NEXT: scf.for
// CHECK: kernel.gemm
// CHECK-NOT: scratch(%[[ONE]] :
// CHECK-SAME: scratch(
func.func @both(%x: tensor<?x?x1024xf32>, %y: tensor<?x?x1024xf32>, %u: tensor<1024x1024xf32>, %v: tensor<1024x1024xf32>, %h0: tensor<?x1024xf32>) -> (tensor<?x1024xf32>, tensor<?x1024xf32>) {
  %c0 = arith.constant 0 : index
  %T = tensor.dim %x, %c0 : tensor<?x?x1024xf32>
  %f = scan.loop trip(%T) slices(%a = %x : tensor<?x?x1024xf32>) carry(%h = %h0 : tensor<?x1024xf32>) step(%t) {
    %n = scan.dot %h, %u batch = [[], []] contract = [[1], [1]] : tensor<?x1024xf32>, tensor<1024x1024xf32> -> tensor<?x1024xf32>
    scan.yield carry(%n : tensor<?x1024xf32>)
  } -> (tensor<?x1024xf32>)
  %r = scan.reverse %y {time_dim = 0 : i64, batch_dim = 1 : i64} : tensor<?x?x1024xf32>
  %b = scan.loop trip(%T) slices(%a = %r : tensor<?x?x1024xf32>) carry(%h = %h0 : tensor<?x1024xf32>) step(%t) {
    %n = scan.dot %h, %v batch = [[], []] contract = [[1], [1]] : tensor<?x1024xf32>, tensor<1024x1024xf32> -> tensor<?x1024xf32>
    scan.yield carry(%n : tensor<?x1024xf32>)
  } -> (tensor<?x1024xf32>)
  return %f, %b : tensor<?x1024xf32>, tensor<?x1024xf32>
}
