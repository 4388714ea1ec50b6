// RUN: rnn-opt %s --kernel-form-phases --split-input-file | FileCheck %s
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What has one shape and one level is one phase with several results; a
// broadcast is an indexing map.
// CHECK-LABEL: func.func @together(
// CHECK: %[[P:.*]]:2 = linalg.generic {indexing_maps = [#[[ID:.*]], #[[ROW:.*]], #[[ID]], #[[ID]]], iterator_types = ["parallel", "parallel"]} ins(%arg0, %arg1 : tensor<?x4xf32>, tensor<4xf32>)
// CHECK: arith.addf
// CHECK: math.tanh
// CHECK: arith.mulf
// CHECK-NOT: linalg.generic
// CHECK: return %[[P]]#0, %[[P]]#1
func.func @together(%x: tensor<?x4xf32>, %b: tensor<4xf32>) -> (tensor<?x4xf32>, tensor<?x4xf32>) {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x4xf32>
  %w = scan.broadcast %b sizes(%n) dims = [1] : tensor<4xf32> -> tensor<?x4xf32>
  %s = arith.addf %x, %w : tensor<?x4xf32>
  %t = math.tanh %s : tensor<?x4xf32>
  %m = arith.mulf %s, %t : tensor<?x4xf32>
  return %t, %m : tensor<?x4xf32>, tensor<?x4xf32>
}

// -----

// A product cuts: what feeds it is a phase before it, what reads it one after.
// CHECK-LABEL: func.func @cut(
// CHECK: %[[A:.*]] = linalg.generic
// CHECK: math.exp
// CHECK: %[[D:.*]] = scan.dot %[[A]], %arg1
// CHECK: linalg.generic {{.*}} ins(%[[D]] :
// CHECK: math.tanh
func.func @cut(%x: tensor<?x4xf32>, %W: tensor<2x4xf32>) -> tensor<?x2xf32> {
  %e = math.exp %x : tensor<?x4xf32>
  %p = scan.dot %e, %W batch = [[], []] contract = [[1], [1]] : tensor<?x4xf32>, tensor<2x4xf32> -> tensor<?x2xf32>
  %t = math.tanh %p : tensor<?x2xf32>
  return %t : tensor<?x2xf32>
}

// -----

// A reduction computes what leads to it on the way.
// CHECK-LABEL: func.func @reduce(
// CHECK: %[[START:.*]] = linalg.fill ins(%{{.*}} : f32)
// CHECK: linalg.generic {{.*}}iterator_types = ["parallel", "reduction"]} ins(%arg0 : tensor<?x4xf32>) outs(%[[START]] : tensor<?xf32>)
// CHECK-NEXT: ^bb0(%[[X:.*]]: f32, %[[SUM:.*]]: f32):
// CHECK-NEXT: %[[E:.*]] = math.exp %[[X]]
// CHECK-NEXT: arith.addf %[[SUM]], %[[E]]
// CHECK-NOT: linalg.generic
func.func @reduce(%x: tensor<?x4xf32>) -> tensor<?xf32> {
  %e = math.exp %x : tensor<?x4xf32>
  %r = scan.reduce sum %e dims = [1] : tensor<?x4xf32> -> tensor<?xf32>
  return %r : tensor<?xf32>
}

// -----

// The body of a time loop has phases of its own; a step of a tensor that is
// computed outside of the loop is read as the loop hands it on.
// CHECK-LABEL: func.func @loop(
// CHECK: %[[E:.*]] = linalg.generic
// CHECK: math.exp
// CHECK: scan.loop {{.*}}slices(%[[S:.*]] = %[[E]]
// CHECK: linalg.generic {{.*}} ins(%{{.*}}, %[[S]] :
// CHECK: arith.addf
func.func @loop(%x: tensor<?x?x3xf32>, %h0: tensor<?x3xf32>) -> tensor<?x3xf32> {
  %c0 = arith.constant 0 : index
  %T = tensor.dim %x, %c0 : tensor<?x?x3xf32>
  %e = math.exp %x : tensor<?x?x3xf32>
  %h = scan.loop trip(%T) slices(%s = %e : tensor<?x?x3xf32>) carry(%a = %h0 : tensor<?x3xf32>) step(%t) {
    %n = arith.addf %a, %s : tensor<?x3xf32>
    scan.yield carry(%n : tensor<?x3xf32>)
  } -> (tensor<?x3xf32>)
  return %h : tensor<?x3xf32>
}

// -----

// A part of a number that is the same everywhere, which an op reads as it lies, is
// a part of the tensor that is made of the number for the same op.
// CHECK-LABEL: func.func @number_that_lies(
// CHECK: %[[F:.*]] = linalg.fill
// CHECK: %[[P:.*]] = tensor.extract_slice %[[F]]
// CHECK: scan.shift %[[F]] fill(%[[P]] :
func.func @number_that_lies(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x2xf32>
  %c = arith.constant dense<0.0> : tensor<f32>
  %z = scan.broadcast %c sizes(%n) dims = [] : tensor<f32> -> tensor<?x2xf32>
  %p = tensor.extract_slice %z[0, 1] [%n, 1] [1, 1] : tensor<?x2xf32> to tensor<?xf32>
  %s = scan.shift %z fill(%p : tensor<?xf32>) {batch_dim = 0 : i64, by = 1 : i64, time_dim = 1 : i64} : tensor<?x2xf32>
  return %s : tensor<?x2xf32>
}
