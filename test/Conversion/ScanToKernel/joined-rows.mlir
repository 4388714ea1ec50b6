// RUN: rnn-opt %s --kernel-form-phases --kernel-select-schedule=targets=v3 --convert-scan-to-kernel --cse --canonicalize | FileCheck %s
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Rows that join time and batch are not those of the loop's lengths: such a carry and such a
// stacked value are left alone. A carry of the batch keeps still past an example's end.
// CHECK-LABEL: func.func @joined
// CHECK-SAME: %[[LEN:[a-z0-9]*]]: memref<?xi32>
// CHECK: scf.for
// CHECK-COUNT-1: kernel.mask_rows outs(%{{.*}} : memref<?xf32{{.*}}>) lengths(%[[LEN]] : memref<?xi32>) at(%{{.*}}) previous
// CHECK-NOT: kernel.mask_rows
func.func @joined(%len: tensor<?xi32>, %xs: tensor<?x?xf32>, %a: tensor<?x?xf32>, %h0: tensor<?xf32>) -> (tensor<?x?xf32>, tensor<?xf32>, tensor<?xf32>) {
  %c0 = arith.constant 0 : index
  %trip = tensor.dim %xs, %c0 : tensor<?x?xf32>
  %rows = tensor.collapse_shape %a [[0, 1]] : tensor<?x?xf32> into tensor<?xf32>
  %r:3 = scan.loop trip(%trip) lengths(%len) carry(%p = %rows : tensor<?xf32>, %h = %h0 : tensor<?xf32>) step(%t) {
    %q = arith.addf %p, %p : tensor<?xf32>
    %k = arith.addf %h, %h : tensor<?xf32>
    scan.yield carry(%q, %k : tensor<?xf32>, tensor<?xf32>) stack(%q : tensor<?xf32>)
  } -> (tensor<?x?xf32>, tensor<?xf32>, tensor<?xf32>)
  return %r#0, %r#1, %r#2 : tensor<?x?xf32>, tensor<?xf32>, tensor<?xf32>
}
