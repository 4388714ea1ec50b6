// RUN: rnn-opt %s --scan-simplify | FileCheck %s --check-prefixes=CHECK,KEEP
// RUN: rnn-opt %s --scan-simplify='forget-gradients=true' | FileCheck %s --check-prefixes=CHECK,FORGET
// RUN: not rnn-opt %s --scan-simplify='forget-gradients=4' 2>&1 | FileCheck %s --check-prefix=VALUE
// RUN: not rnn-opt %s --scan-simplify='forget=true' 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// VALUE: option: '{{.*}}' {{(is invalid value for boolean argument|value invalid for long argument)}}
// UNKNOWN: no such option forget

// CHECK-LABEL: func @identities(
// CHECK-NOT: arith.
// CHECK: return %arg0, %arg0
func.func @identities(%x: tensor<?x8xf32>, %n: index) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  %zero = arith.constant dense<0.0> : tensor<f32>
  %one = arith.constant dense<1.0> : tensor<f32>
  %zeros = scan.broadcast %zero sizes(%n) dims = [] : tensor<f32> -> tensor<?x8xf32>
  %ones = scan.broadcast %one sizes(%n) dims = [] : tensor<f32> -> tensor<?x8xf32>
  %a = arith.addf %zeros, %x : tensor<?x8xf32>
  %b = arith.addf %a, %zeros : tensor<?x8xf32>
  %c = arith.mulf %ones, %x : tensor<?x8xf32>
  %d = arith.mulf %c, %ones : tensor<?x8xf32>
  return %b, %d : tensor<?x8xf32>, tensor<?x8xf32>
}

// Not identities.
// CHECK-LABEL: func @others(
// CHECK: arith.mulf
// CHECK: arith.addf
// CHECK: arith.subf
func.func @others(%x: tensor<8xf32>) -> (tensor<8xf32>, tensor<8xf32>, tensor<8xf32>) {
  %zeros = arith.constant dense<0.0> : tensor<8xf32>
  %ones = arith.constant dense<1.0> : tensor<8xf32>
  %a = arith.mulf %x, %zeros : tensor<8xf32>
  %b = arith.addf %x, %ones : tensor<8xf32>
  %c = arith.subf %zeros, %x : tensor<8xf32>
  return %a, %b, %c : tensor<8xf32>, tensor<8xf32>, tensor<8xf32>
}

// Sizes are asked of the argument; the product is needed no more.
// CHECK-LABEL: func @sizes(
// CHECK-NOT: scan.dot
// CHECK: tensor.dim %arg0, %c0
func.func @sizes(%x: tensor<?x8xf32>, %w: tensor<4x8xf32>) -> index {
  %c0 = arith.constant 0 : index
  %p = scan.dot %x, %w batch = [[], []] contract = [[1], [1]] : tensor<?x8xf32>, tensor<4x8xf32> -> tensor<?x4xf32>
  %n = tensor.dim %p, %c0 : tensor<?x4xf32>
  return %n : index
}

// What only gradients ask for stays until they are made. Carries, slices and
// stacked values that nobody reads are dropped.
// CHECK-LABEL: func @gradients(
// CHECK: scan.loop trip(%{{.*}}) reverse carry(%[[H:.*]] = %arg1 : tensor<?x8xf32>) step(
// KEEP: scan.stop %[[H]] at
// KEEP: scan.clipgrad
// FORGET-NOT: scan.stop
// FORGET-NOT: scan.clipgrad
// FORGET: math.tanh %[[H]]
// CHECK: scan.yield carry(%{{[0-9a-z]*}} : tensor<?x8xf32>)
func.func @gradients(%xs: tensor<?x?x8xf32>, %h0: tensor<?x8xf32>, %T: index) -> tensor<?x8xf32> {
  %r:3 = scan.loop trip(%T) reverse slices(%x = %xs : tensor<?x?x8xf32>) carry(%h = %h0 : tensor<?x8xf32>, %g = %h0 : tensor<?x8xf32>) step(%t) {
    %s = scan.stop %h at(%t) {period = 5} : tensor<?x8xf32>
    %c = scan.clipgrad %s {limit = 1.0 : f64} : tensor<?x8xf32>
    %n = math.tanh %c : tensor<?x8xf32>
    scan.yield carry(%n, %g : tensor<?x8xf32>, tensor<?x8xf32>) stack(%c : tensor<?x8xf32>)
  } -> (tensor<?x?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>)
  return %r#1 : tensor<?x8xf32>
}

// Beside what was put in there is what was there before; across it, or where
// nobody knows, there is not.
// CHECK-LABEL: func @beside(
// CHECK: %[[I:.*]] = tensor.insert_slice %arg1 into %arg0[1, 0] [1, 8]
// CHECK: %[[J:.*]] = tensor.insert_slice %arg1 into %arg0[%arg2, 0] [1, 8]
// CHECK: %[[A:.*]] = tensor.extract_slice %arg0[2, 0] [1, 8]
// CHECK: %[[B:.*]] = tensor.extract_slice %[[I]][1, 0] [2, 8]
// CHECK: %[[C:.*]] = tensor.extract_slice %[[J]][2, 0] [1, 8]
// CHECK: return %[[A]], %[[B]], %[[C]]
func.func @beside(%m: tensor<4x8xf32>, %x: tensor<8xf32>, %n: index) -> (tensor<8xf32>, tensor<2x8xf32>, tensor<8xf32>) {
  %i = tensor.insert_slice %x into %m[1, 0] [1, 8] [1, 1] : tensor<8xf32> into tensor<4x8xf32>
  %j = tensor.insert_slice %x into %m[%n, 0] [1, 8] [1, 1] : tensor<8xf32> into tensor<4x8xf32>
  %a = tensor.extract_slice %i[2, 0] [1, 8] [1, 1] : tensor<4x8xf32> to tensor<8xf32>
  %b = tensor.extract_slice %i[1, 0] [2, 8] [1, 1] : tensor<4x8xf32> to tensor<2x8xf32>
  %c = tensor.extract_slice %j[2, 0] [1, 8] [1, 1] : tensor<4x8xf32> to tensor<8xf32>
  return %a, %b, %c : tensor<8xf32>, tensor<2x8xf32>, tensor<8xf32>
}

// A size that two arguments have by one name is asked of the first of them.
// CHECK-LABEL: func @names(
// CHECK: %[[N:.*]] = tensor.dim %arg0, %c0
// CHECK: %[[T:.*]] = tensor.dim %arg1, %c1
// CHECK: return %[[N]], %[[T]]
func.func @names(%len: tensor<?xi32> {rnnc.slot = #rnnc.slot<input "", ["batch"]>}, %x: tensor<?x?x8xf32> {rnnc.slot = #rnnc.slot<input "", ["batch", "T", 8]>}) -> (index, index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = tensor.dim %x, %c0 : tensor<?x?x8xf32>
  %t = tensor.dim %x, %c1 : tensor<?x?x8xf32>
  return %n, %t : index, index
}
