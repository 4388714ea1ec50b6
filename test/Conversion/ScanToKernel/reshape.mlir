// RUN: rnn-opt %s --kernel-form-phases --kernel-select-schedule=targets=v3 --convert-scan-to-kernel --cse --canonicalize | FileCheck %s
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A tensor of another shape lies in the same memory.

// What makes the operand writes to the place of the result.
// CHECK-LABEL: func.func @made(
// CHECK: %[[PLACE:.*]] = memref.expand_shape %arg1 {{\[\[}}0], [1, 2]]
// CHECK-NOT: memref.copy
// CHECK: outs(%[[PLACE]]
// CHECK-NOT: memref.copy
// CHECK: return
func.func @made(%x: tensor<?x3x4xf32>) -> tensor<?x12xf32> {
  %0 = math.exp %x : tensor<?x3x4xf32>
  %1 = tensor.collapse_shape %0 [[0], [1, 2]] : tensor<?x3x4xf32> into tensor<?x12xf32>
  return %1 : tensor<?x12xf32>
}

// Parts that are put together in another shape are written there at once.
// CHECK-LABEL: func.func @together(
// CHECK-DAG: %[[LEFT:.*]] = memref.subview %arg1[0, 0] [%{{.*}}, 4] [1, 1]
// CHECK-DAG: %[[RIGHT:.*]] = memref.subview %arg1[0, 4] [%{{.*}}, 4] [1, 1]
// CHECK-NOT: memref.alloc
// CHECK: linalg.generic
// CHECK-NOT: memref.copy
// CHECK: return
func.func @together(%x: tensor<?x2x2xf32>) -> tensor<?x8xf32> {
  %0 = math.exp %x : tensor<?x2x2xf32>
  %1 = arith.negf %x : tensor<?x2x2xf32>
  %2 = tensor.collapse_shape %0 [[0], [1, 2]] : tensor<?x2x2xf32> into tensor<?x4xf32>
  %3 = tensor.collapse_shape %1 [[0], [1, 2]] : tensor<?x2x2xf32> into tensor<?x4xf32>
  %4 = tensor.concat dim(1) %2, %3 : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x8xf32>
  return %4 : tensor<?x8xf32>
}

// An argument is read as it lies.
// CHECK-LABEL: func.func @read(
// CHECK-NOT: memref.copy
// CHECK: %[[FLAT:.*]] = memref.collapse_shape %arg0 {{\[\[}}0], [1, 2]]
// CHECK-NOT: memref.copy
// CHECK: kernel.gemm ins(%[[FLAT]]
// CHECK: return
func.func @read(%x: tensor<?x3x4xf32>, %w: tensor<5x12xf32>) -> tensor<?x5xf32> {
  %0 = tensor.collapse_shape %x [[0], [1, 2]] : tensor<?x3x4xf32> into tensor<?x12xf32>
  %1 = scan.dot %0, %w batch = [[], []] contract = [[1], [1]] : tensor<?x12xf32>, tensor<5x12xf32> -> tensor<?x5xf32>
  return %1 : tensor<?x5xf32>
}

// Of several unknown sizes only the product is known behind: that needs a copy
// where the result is an output.
// CHECK-LABEL: func.func @rows(
// CHECK: %[[SUMS:.*]] = memref.alloc
// CHECK: outs(%[[SUMS]]
// CHECK: %[[FLAT:.*]] = memref.collapse_shape %[[SUMS]] {{\[\[}}0, 1], [2]]
// CHECK: memref.copy %[[FLAT]], %arg1
func.func @rows(%x: tensor<?x?x4xf32>) -> tensor<?x4xf32> {
  %0 = math.exp %x : tensor<?x?x4xf32>
  %1 = tensor.collapse_shape %0 [[0, 1], [2]] : tensor<?x?x4xf32> into tensor<?x4xf32>
  return %1 : tensor<?x4xf32>
}
