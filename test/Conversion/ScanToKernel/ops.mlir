// RUN: rnn-opt %s --kernel-form-phases --kernel-select-schedule=targets=v3 --convert-scan-to-kernel --cse --canonicalize | FileCheck %s
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Structured ops and their kernels, one function each.

// CHECK-LABEL: func.func @gather(
// CHECK: kernel.gather ins(%arg0, %arg1 : memref<9x4xf32>, memref<?xi32>) outs(%arg2 : memref<?x4xf32>)
func.func @gather(%e: tensor<9x4xf32>, %i: tensor<?xi32>) -> tensor<?x4xf32> {
  %0 = scan.gather %e[%i] batch_dims = 0 : tensor<9x4xf32>, tensor<?xi32> -> tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}

// Few rows are added as they come; many are sorted by where they go to, and
// those of one place added up as columns are.
// CHECK-LABEL: func.func @scatter(
// CHECK: linalg.fill ins(%{{.*}} : f32) outs(%arg2 : memref<9x4xf32>)
// CHECK: %[[FEW:.*]] = arith.cmpi ule
// CHECK: scf.if %[[FEW]]
// CHECK: kernel.scatter_add ins(%arg0, %arg1 : memref<?x4xf32>, memref<?xi32>) outs(%arg2 : memref<9x4xf32>)
// CHECK: } else {
// CHECK: kernel.gather ins(%arg0, %[[ORDER:.*]] : memref<?x4xf32>, memref<?xi32>) outs(%[[SORTED:.*]] : memref<?x4xf32>)
// CHECK: scf.for
// CHECK: memref.subview %[[SORTED]]
// CHECK: linalg.generic {{.*}}iterator_types = ["reduction", "parallel"]
func.func @scatter(%u: tensor<?x4xf32>, %i: tensor<?xi32>) -> tensor<9x4xf32> {
  %0 = scan.scatter_add %u[%i] batch_dims = 0 : tensor<?x4xf32>, tensor<?xi32> -> tensor<9x4xf32>
  return %0 : tensor<9x4xf32>
}

// CHECK-LABEL: func.func @sequence(
// CHECK: kernel.reverse ins(%arg0 : memref<?x?x4xf32>) lengths(%arg1 : memref<?xi32>) outs(%[[R:.*]] : memref<?x?x4xf32>)
// CHECK: kernel.pick_step ins(%[[R]] : memref<?x?x4xf32>) lengths(%arg1 : memref<?xi32>) outs(%[[P:.*]] : memref<?x4xf32>) {last = true}
// CHECK: kernel.place_step ins(%[[P]] : memref<?x4xf32>) lengths(%arg1 : memref<?xi32>) outs(%arg2 : memref<?x?x4xf32>) {last = false}
func.func @sequence(%x: tensor<?x?x4xf32>, %len: tensor<?xi32>) -> tensor<?x?x4xf32> {
  %c0 = arith.constant 0 : index
  %T = tensor.dim %x, %c0 : tensor<?x?x4xf32>
  %0 = scan.reverse %x lengths(%len) : tensor<?x?x4xf32>
  %1 = scan.pick_step last %0 lengths(%len) : tensor<?x?x4xf32> -> tensor<?x4xf32>
  %2 = scan.place_step first %1 lengths(%len) size(%T) : tensor<?x4xf32> -> tensor<?x?x4xf32>
  return %2 : tensor<?x?x4xf32>
}

// A shift back puts the fill at the last valid step of each example.
// CHECK-LABEL: func.func @shift_back(
// CHECK: scf.if
// CHECK: memref.copy
// CHECK: memref.copy
// CHECK: linalg.generic
// CHECK-SAME: iterator_types = ["parallel", "parallel", "parallel"]
// CHECK: linalg.index 0
func.func @shift_back(%x: tensor<?x?x4xf32>, %f: tensor<?x4xf32>, %len: tensor<?xi32>) -> tensor<?x?x4xf32> {
  %0 = scan.shift %x fill(%f : tensor<?x4xf32>) lengths(%len) {by = -1 : i64} : tensor<?x?x4xf32>
  return %0 : tensor<?x?x4xf32>
}

// CHECK-LABEL: func.func @random(
// CHECK: kernel.random ins(%arg0 : memref<2xi64>) outs(%arg2 : memref<?x?x4xf32>) {batch_dim = 1 : i64, site = 3 : i64, time_dim = 0 : i64}
func.func @random(%key: tensor<2xi64>, %x: tensor<?x?x4xf32>) -> tensor<?x?x4xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %T = tensor.dim %x, %c0 : tensor<?x?x4xf32>
  %B = tensor.dim %x, %c1 : tensor<?x?x4xf32>
  %0 = scan.random %key sizes(%T, %B) {site = 3, time_dim = 0, batch_dim = 1} : tensor<?x?x4xf32>
  return %0 : tensor<?x?x4xf32>
}

// A weight gradient is one product over all rows, transposed as it lies; what
// is beyond 8192 rows is added in blocks, with what additions lose.
// CHECK-LABEL: func.func @weight_gradient(
// CHECK: %[[C:.*]] = memref.collapse_shape %arg2 {{\[\[}}0, 1], [2]]
// CHECK: %[[A:.*]] = memref.collapse_shape %arg0 {{\[\[}}0, 1], [2, 3]]
// CHECK: %[[B:.*]] = memref.collapse_shape %arg1 {{\[\[}}0, 1], [2]]
// CHECK: %[[A0:.*]] = memref.subview %[[A]][0, 0]
// CHECK: %[[A1:.*]] = memref.cast %[[A0]]
// CHECK: %[[B0:.*]] = memref.subview %[[B]][0, 0]
// CHECK: %[[B1:.*]] = memref.cast %[[B0]]
// CHECK: kernel.gemm ins(%[[A1]], %[[B1]] : {{.*}}) outs(%[[C]] : memref<32x5xf32>) scratch(%{{.*}}){{.*}}trans_a}
// CHECK: scf.if
// CHECK: scf.for %[[K:.*]] = %c8192
// CHECK: memref.subview %[[A]][%[[K]], 0]
// CHECK: memref.subview %[[B]][%[[K]], 0]
// CHECK: kernel.gemm {{.*}}{{.*}}trans_a}
// CHECK: linalg.generic
func.func @weight_gradient(%dz: tensor<?x?x4x8xf32>, %x: tensor<?x?x5xf32>) -> tensor<4x8x5xf32> {
  %0 = scan.dot %dz, %x batch = [[], []] contract = [[0, 1], [0, 1]] : tensor<?x?x4x8xf32>, tensor<?x?x5xf32> -> tensor<4x8x5xf32>
  return %0 : tensor<4x8x5xf32>
}

// With batch dimensions, or with a vector, a product is a reduction.
// CHECK-LABEL: func.func @attention(
// CHECK: linalg.fill
// CHECK: linalg.generic
// CHECK-SAME: iterator_types = ["parallel", "parallel", "reduction"]
// CHECK: arith.mulf
// CHECK: arith.addf
func.func @attention(%m: tensor<?x?x8xf32>, %q: tensor<?x8xf32>) -> tensor<?x?xf32> {
  %0 = scan.dot %m, %q batch = [[1], [0]] contract = [[2], [1]] : tensor<?x?x8xf32>, tensor<?x8xf32> -> tensor<?x?xf32>
  return %0 : tensor<?x?xf32>
}

// Pieces are computed in their place; the product reads them as one matrix.
// CHECK-LABEL: func.func @pieces(
// CHECK: %[[DZ:.*]] = memref.alloc(%{{.*}}) : memref<?x2x8xf32>
// CHECK: %[[P1:.*]] = memref.subview %[[DZ]][0, 0, 0]
// CHECK: %[[P2:.*]] = memref.subview %[[DZ]][0, 1, 0]
// CHECK-NOT: memref.copy
// CHECK-NOT: linalg.fill
// CHECK: linalg.generic
// CHECK-SAME: outs(%[[P1]], %[[P2]] :
// CHECK-NOT: memref.copy
// CHECK: kernel.gemm
func.func @pieces(%a: tensor<?x8xf32>, %b: tensor<?x8xf32>, %U: tensor<2x8x3xf32>) -> tensor<?x3xf32> {
  %c0 = arith.constant 0 : index
  %B = tensor.dim %a, %c0 : tensor<?x8xf32>
  %zero = arith.constant dense<0.0> : tensor<f32>
  %z = scan.broadcast %zero sizes(%B) dims = [] : tensor<f32> -> tensor<?x2x8xf32>
  %0 = arith.mulf %a, %b : tensor<?x8xf32>
  %1 = arith.addf %0, %b : tensor<?x8xf32>
  %2 = tensor.insert_slice %0 into %z[0, 0, 0] [%B, 1, 8] [1, 1, 1] : tensor<?x8xf32> into tensor<?x2x8xf32>
  %3 = tensor.insert_slice %1 into %2[0, 1, 0] [%B, 1, 8] [1, 1, 1] : tensor<?x8xf32> into tensor<?x2x8xf32>
  %4 = scan.dot %3, %U batch = [[], []] contract = [[1, 2], [0, 1]] : tensor<?x2x8xf32>, tensor<2x8x3xf32> -> tensor<?x3xf32>
  return %4 : tensor<?x3xf32>
}

// What pieces leave free is filled before they are written.
// CHECK-LABEL: func.func @hole(
// CHECK: linalg.fill ins(%{{.*}} : f32) outs(%arg1 : memref<?x4xf32>)
// CHECK: linalg.generic
// CHECK: math.exp
func.func @hole(%a: tensor<?x1xf32>) -> tensor<?x4xf32> {
  %c0 = arith.constant 0 : index
  %B = tensor.dim %a, %c0 : tensor<?x1xf32>
  %zero = arith.constant dense<0.0> : tensor<f32>
  %z = scan.broadcast %zero sizes(%B) dims = [] : tensor<f32> -> tensor<?x4xf32>
  %0 = math.exp %a : tensor<?x1xf32>
  %1 = tensor.insert_slice %0 into %z[0, 2] [%B, 1] [1, 1] : tensor<?x1xf32> into tensor<?x4xf32>
  return %1 : tensor<?x4xf32>
}

// CHECK-LABEL: func.func @join(
// CHECK-DAG: memref.copy %arg0, %{{.*}}
// CHECK-DAG: memref.copy %arg1, %{{.*}}
// CHECK-NOT: memref.alloc
func.func @join(%a: tensor<?x3xf32>, %b: tensor<?x5xf32>) -> tensor<?x8xf32> {
  %0 = tensor.concat dim(1) %a, %b : (tensor<?x3xf32>, tensor<?x5xf32>) -> tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}

// A softmax: the exponentials are computed once, though two phases read them.
// CHECK-LABEL: func.func @softmax(
// CHECK: arith.maximumf
// CHECK: math.exp
// CHECK-NOT: math.exp
// CHECK: arith.addf
// CHECK: arith.divf
func.func @softmax(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %c0 = arith.constant 0 : index
  %B = tensor.dim %x, %c0 : tensor<?x8xf32>
  %0 = scan.reduce max %x dims = [1] : tensor<?x8xf32> -> tensor<?xf32>
  %1 = scan.broadcast %0 sizes(%B) dims = [0] : tensor<?xf32> -> tensor<?x8xf32>
  %2 = arith.subf %x, %1 : tensor<?x8xf32>
  %3 = math.exp %2 : tensor<?x8xf32>
  %4 = scan.reduce sum %3 dims = [1] : tensor<?x8xf32> -> tensor<?xf32>
  %5 = scan.broadcast %4 sizes(%B) dims = [0] : tensor<?xf32> -> tensor<?x8xf32>
  %6 = arith.divf %3, %5 : tensor<?x8xf32>
  return %6 : tensor<?x8xf32>
}

// Truth values take a byte in memory.
// CHECK-LABEL: func.func @truth(
// CHECK-SAME: %arg1: memref<?xi8>
// CHECK: arith.extui %{{.*}} : i1 to i8
func.func @truth(%x: tensor<?xf32>) -> tensor<?xi1> {
  %0 = arith.cmpf olt, %x, %x : tensor<?xf32>
  return %0 : tensor<?xi1>
}

// CHECK-LABEL: func.func @constant(
// CHECK: memref.get_global @rnnc.constant : memref<3xf32>
func.func @constant(%x: tensor<?x3xf32>) -> tensor<?x3xf32> {
  %c0 = arith.constant 0 : index
  %B = tensor.dim %x, %c0 : tensor<?x3xf32>
  %k = arith.constant dense<[1.0, 2.0, 3.0]> : tensor<3xf32>
  %0 = scan.broadcast %k sizes(%B) dims = [1] : tensor<3xf32> -> tensor<?x3xf32>
  %1 = arith.addf %x, %0 : tensor<?x3xf32>
  return %1 : tensor<?x3xf32>
}

// The same result twice, and an argument as a result.
// CHECK-LABEL: func.func @twice(
// CHECK: linalg.generic
// CHECK-SAME: outs(%arg1, %arg2 :
// CHECK: memref.copy %arg0, %arg3
func.func @twice(%x: tensor<?xf32>) -> (tensor<?xf32>, tensor<?xf32>, tensor<?xf32>) {
  %0 = math.tanh %x : tensor<?xf32>
  return %0, %0, %x : tensor<?xf32>, tensor<?xf32>, tensor<?xf32>
}

// A sum of a number: written out, so that the sum knows how many there are.
// CHECK-LABEL: func.func @count(
// CHECK: linalg.generic
// CHECK-SAME: outs(%[[ONES:.*]] : memref<?xf32>)
// CHECK: linalg.generic
// CHECK-SAME: iterator_types = ["reduction"]
// CHECK-SAME: ins(%[[ONES]] :
func.func @count(%x: tensor<?xf32>) -> tensor<f32> {
  %c0 = arith.constant 0 : index
  %B = tensor.dim %x, %c0 : tensor<?xf32>
  %one = arith.constant dense<1.0> : tensor<f32>
  %0 = scan.broadcast %one sizes(%B) dims = [] : tensor<f32> -> tensor<?xf32>
  %1 = scan.reduce sum %0 dims = [0] : tensor<?xf32> -> tensor<f32>
  return %1 : tensor<f32>
}

// Indices of two dimensions, as an embedding's are: the memory is made at the
// top, whatever its sizes come from.
// CHECK-LABEL: func.func @scatter_steps(
// CHECK: %[[COUNT:.*]] = arith.muli
// CHECK: memref.alloc(%[[COUNT]]) : memref<?xi32>
// CHECK: memref.alloc(%[[COUNT]]) : memref<?x4xf32>
// CHECK: scf.if
// CHECK: kernel.scatter_add
func.func @scatter_steps(%u: tensor<?x?x4xf32>, %i: tensor<?x?xi32>) -> tensor<9x4xf32> {
  %0 = scan.scatter_add %u[%i] batch_dims = 0 : tensor<?x?x4xf32>, tensor<?x?xi32> -> tensor<9x4xf32>
  return %0 : tensor<9x4xf32>
}

// Segments lie one behind the other: what is split is made in their memory, and
// what is joined is a part of it. Behind the last step there are zeros.
// CHECK-LABEL: func.func @segments(
// CHECK: %[[S:.*]] = memref.alloc({{.*}}) : memref<?x?x?x4xf32>
// CHECK: %[[FLAT:.*]] = memref.collapse_shape %[[S]] {{\[}}[0, 1], [2], [3]]
// CHECK: %[[ALL:.*]] = memref.subview %[[FLAT]][0, 0, 0]
// CHECK: kernel.reverse ins(%arg0 : memref<?x?x4xf32>) {{.*}}outs(%[[ALL]] :
// CHECK: linalg.fill
func.func @segments(%x: tensor<?x?x4xf32>, %len: tensor<?xi32>) -> (tensor<?x?x4xf32>, tensor<?xi32>) {
  %c0 = arith.constant 0 : index
  %T = tensor.dim %x, %c0 : tensor<?x?x4xf32>
  %n, %k = scan.segments %T <every, 3>
  %0 = scan.reverse %x lengths(%len) : tensor<?x?x4xf32>
  %1 = scan.split %0 into(%n, %k) : tensor<?x?x4xf32> -> tensor<?x?x?x4xf32>
  %2 = scan.join %1 size(%T) : tensor<?x?x?x4xf32> -> tensor<?x?x4xf32>
  %3 = scan.part_lengths %len from(%k) steps(%k)
  return %2, %3 : tensor<?x?x4xf32>, tensor<?xi32>
}
