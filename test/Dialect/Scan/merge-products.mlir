// RUN: rnn-opt %s --scan-merge-products --split-input-file --verify-diagnostics --remark-format=emitRemark --remarks-filter=scan-merge-products | FileCheck %s
// RUN: rnn-opt %s --scan-merge-products='least=3' --split-input-file | FileCheck %s --check-prefix=THREE
// RUN: not rnn-opt %s --scan-merge-products='least=1' --split-input-file 2>&1 | FileCheck %s --check-prefix=ONE
// RUN: not rnn-opt %s --scan-merge-products='least=x' 2>&1 | FileCheck %s --check-prefix=VALUE
// RUN: not rnn-opt %s --scan-merge-products='most=2' 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// ONE: scan-merge-products: least must be at least 2
// VALUE: option: '{{.*}}' {{(is invalid value for boolean argument|value invalid for long argument)}}
// UNKNOWN: no such option most

// In a loop, backwards and ragged: the matrices are put together before it.
// CHECK-LABEL: func @gates(
// CHECK: %[[W:.*]] = tensor.concat dim(0) %arg1, %arg2 : (tensor<4x8xf32>, tensor<6x8xf32>) -> tensor<10x8xf32>
// CHECK: scan.loop {{.*}} carry(%[[H:.*]] = {{.*}} : tensor<?x8xf32>) step(
// CHECK: %[[P:.*]] = scan.dot %[[H]], %[[W]] {{.*}} -> tensor<?x10xf32>
// CHECK-DAG: tensor.extract_slice %[[P]][0, 0] [%{{.*}}, 4] [1, 1] : tensor<?x10xf32> to tensor<?x4xf32>
// CHECK-DAG: tensor.extract_slice %[[P]][0, 4] [%{{.*}}, 6] [1, 1] : tensor<?x10xf32> to tensor<?x6xf32>
// CHECK-NOT: scan.dot
// Two are too few then.
// THREE-LABEL: func @gates(
// THREE-NOT: tensor.concat
func.func @gates(%h0: tensor<?x8xf32>, %a: tensor<4x8xf32>, %b: tensor<6x8xf32>, %len: tensor<?xi32>, %T: index) -> (tensor<?x?x4xf32>, tensor<?x?x6xf32>) {
  %r:3 = scan.loop trip(%T) lengths(%len) reverse carry(%h = %h0 : tensor<?x8xf32>) step(%t) {
    %p = scan.dot %h, %a batch = [[], []] contract = [[1], [1]] : tensor<?x8xf32>, tensor<4x8xf32> -> tensor<?x4xf32>
    %q = scan.dot %h, %b batch = [[], []] contract = [[1], [1]] : tensor<?x8xf32>, tensor<6x8xf32> -> tensor<?x6xf32>
    %n = math.tanh %h : tensor<?x8xf32>
    scan.yield carry(%n : tensor<?x8xf32>) stack(%p, %q : tensor<?x4xf32>, tensor<?x6xf32>)
  } -> (tensor<?x?x4xf32>, tensor<?x?x6xf32>, tensor<?x8xf32>)
  return %r#0, %r#1 : tensor<?x?x4xf32>, tensor<?x?x6xf32>
}

// -----

// Outside of loops, with time in front. Three are enough for either.
// CHECK-LABEL: func @outside(
// CHECK: %[[W:.*]] = tensor.concat dim(0) %arg1, %arg1, %arg2
// CHECK: scan.dot %arg0, %[[W]] {{.*}} -> tensor<?x?x14xf32>
// CHECK-NOT: scan.dot
// THREE-LABEL: func @outside(
// THREE: tensor.concat
func.func @outside(%xs: tensor<?x?x8xf32>, %a: tensor<4x8xf32>, %b: tensor<6x8xf32>) -> (tensor<?x?x4xf32>, tensor<?x?x4xf32>, tensor<?x?x6xf32>) {
  %p = scan.dot %xs, %a batch = [[], []] contract = [[2], [1]] : tensor<?x?x8xf32>, tensor<4x8xf32> -> tensor<?x?x4xf32>
  %q = scan.dot %xs, %a batch = [[], []] contract = [[2], [1]] : tensor<?x?x8xf32>, tensor<4x8xf32> -> tensor<?x?x4xf32>
  %r = scan.dot %xs, %b batch = [[], []] contract = [[2], [1]] : tensor<?x?x8xf32>, tensor<6x8xf32> -> tensor<?x?x6xf32>
  return %p, %q, %r : tensor<?x?x4xf32>, tensor<?x?x4xf32>, tensor<?x?x6xf32>
}

// -----

// Left: other forms, another operand, matrices that come too late.
// CHECK-LABEL: func @left(
// CHECK-NOT: tensor.concat
func.func @left(%x: tensor<?x8xf32>, %y: tensor<?x8xf32>, %a: tensor<8x8xf32>, %b: tensor<2x8x8xf32>) -> (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x2x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>) {
  %p = scan.dot %x, %a batch = [[], []] contract = [[1], [1]] : tensor<?x8xf32>, tensor<8x8xf32> -> tensor<?x8xf32>
  %q = scan.dot %x, %a batch = [[], []] contract = [[1], [0]] : tensor<?x8xf32>, tensor<8x8xf32> -> tensor<?x8xf32>
  %r = scan.dot %x, %b batch = [[], []] contract = [[1], [2]] : tensor<?x8xf32>, tensor<2x8x8xf32> -> tensor<?x2x8xf32>
  %s = scan.dot %y, %a batch = [[], []] contract = [[1], [1]] : tensor<?x8xf32>, tensor<8x8xf32> -> tensor<?x8xf32>
  %c = scan.dot %p, %p batch = [[], []] contract = [[0], [0]] : tensor<?x8xf32>, tensor<?x8xf32> -> tensor<8x8xf32>
  // expected-remark @+1 {{this product is not merged with others of the same value: its matrix is computed after the first of them}}
  %u = scan.dot %x, %c batch = [[], []] contract = [[1], [1]] : tensor<?x8xf32>, tensor<8x8xf32> -> tensor<?x8xf32>
  return %p, %q, %r, %s, %u : tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x2x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>
}

// -----

// The others are merged without it.
// CHECK-LABEL: func @some(
// CHECK: tensor.insert_slice %arg1 into %{{.*}}[0, 0, 0] [1, 8, 8]
// CHECK: %[[W:.*]] = tensor.insert_slice %arg2 into %{{.*}}[1, 0, 0] [1, 8, 8]
// CHECK: scan.dot %arg0, %[[W]] {{.*}} -> tensor<?x2x8xf32>
// THREE-LABEL: func @some(
// THREE-NOT: tensor.insert_slice
func.func @some(%x: tensor<?x8xf32>, %a: tensor<8x8xf32>, %b: tensor<8x8xf32>) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  %p = scan.dot %x, %a batch = [[], []] contract = [[1], [1]] : tensor<?x8xf32>, tensor<8x8xf32> -> tensor<?x8xf32>
  %q = scan.dot %x, %b batch = [[], []] contract = [[1], [1]] : tensor<?x8xf32>, tensor<8x8xf32> -> tensor<?x8xf32>
  %c = scan.dot %p, %q batch = [[], []] contract = [[0], [0]] : tensor<?x8xf32>, tensor<?x8xf32> -> tensor<8x8xf32>
  // expected-remark @+1 {{this product is not merged}}
  %r = scan.dot %x, %c batch = [[], []] contract = [[1], [1]] : tensor<?x8xf32>, tensor<8x8xf32> -> tensor<?x8xf32>
  return %q, %r : tensor<?x8xf32>, tensor<?x8xf32>
}

// -----

// Matrices of one size are gates: beside each other, a part for each; a matrix
// that has gates already goes in whole.
// THREE-LABEL: func @beside(
// CHECK-LABEL: func @beside(
// CHECK: %[[A:.*]] = tensor.insert_slice %arg1 into %{{.*}}[0, 0, 0] [1, 8, 8] [1, 1, 1] : tensor<8x8xf32> into tensor<4x8x8xf32>
// CHECK: %[[B:.*]] = tensor.insert_slice %arg2 into %[[A]][1, 0, 0] [2, 8, 8] [1, 1, 1] : tensor<2x8x8xf32> into tensor<4x8x8xf32>
// CHECK: %[[C:.*]] = tensor.insert_slice %arg3 into %[[B]][3, 0, 0] [1, 8, 8] [1, 1, 1] : tensor<8x8xf32> into tensor<4x8x8xf32>
// CHECK: scan.loop {{.*}} carry(%[[H:.*]] = {{.*}}) step(
// CHECK: %[[P:.*]] = scan.dot %[[H]], %[[C]] batch = {{.*}} contract = {{\[}}[1], [2]] : tensor<?x8xf32>, tensor<4x8x8xf32> -> tensor<?x4x8xf32>
// CHECK-DAG: tensor.extract_slice %[[P]][0, 0, 0] [%{{.*}}, 1, 8] [1, 1, 1] : tensor<?x4x8xf32> to tensor<?x8xf32>
// CHECK-DAG: tensor.extract_slice %[[P]][0, 1, 0] [%{{.*}}, 2, 8] [1, 1, 1] : tensor<?x4x8xf32> to tensor<?x2x8xf32>
// CHECK-DAG: tensor.extract_slice %[[P]][0, 3, 0] [%{{.*}}, 1, 8] [1, 1, 1] : tensor<?x4x8xf32> to tensor<?x8xf32>
// CHECK-NOT: scan.dot
func.func @beside(%h0: tensor<?x8xf32>, %a: tensor<8x8xf32>, %b: tensor<2x8x8xf32>, %c: tensor<8x8xf32>, %T: index) -> (tensor<?x?x8xf32>, tensor<?x?x2x8xf32>, tensor<?x?x8xf32>) {
  %r:4 = scan.loop trip(%T) carry(%h = %h0 : tensor<?x8xf32>) step(%t) {
    %p = scan.dot %h, %a batch = [[], []] contract = [[1], [1]] : tensor<?x8xf32>, tensor<8x8xf32> -> tensor<?x8xf32>
    %q = scan.dot %h, %b batch = [[], []] contract = [[1], [2]] : tensor<?x8xf32>, tensor<2x8x8xf32> -> tensor<?x2x8xf32>
    %s = scan.dot %h, %c batch = [[], []] contract = [[1], [1]] : tensor<?x8xf32>, tensor<8x8xf32> -> tensor<?x8xf32>
    %n = math.tanh %p : tensor<?x8xf32>
    scan.yield carry(%n : tensor<?x8xf32>) stack(%p, %q, %s : tensor<?x8xf32>, tensor<?x2x8xf32>, tensor<?x8xf32>)
  } -> (tensor<?x?x8xf32>, tensor<?x?x2x8xf32>, tensor<?x?x8xf32>, tensor<?x8xf32>)
  return %r#0, %r#1, %r#2 : tensor<?x?x8xf32>, tensor<?x?x2x8xf32>, tensor<?x?x8xf32>
}

// -----

// Products for all steps that one loop reads step by step: one slice, whose parts
// are in the order in which the step reads them.
// CHECK-LABEL: func @sliced(
// CHECK: %[[A:.*]] = tensor.insert_slice %arg2 into %{{.*}}[0, 0, 0] [1, 4, 8]
// CHECK: %[[B:.*]] = tensor.insert_slice %arg1 into %[[A]][1, 0, 0] [1, 4, 8]
// CHECK: %[[P:.*]] = scan.dot %arg0, %[[B]] {{.*}} -> tensor<?x?x2x4xf32>
// CHECK: scan.loop {{.*}} slices({{.*}}%[[S:.*]] = %[[P]] : tensor<?x?x2x4xf32>)
// CHECK-DAG: %[[X:.*]] = tensor.extract_slice %[[S]][0, 0, 0] [%{{.*}}, 1, 4] [1, 1, 1] : tensor<?x2x4xf32> to tensor<?x4xf32>
// CHECK-DAG: %[[Y:.*]] = tensor.extract_slice %[[S]][0, 1, 0] [%{{.*}}, 1, 4] [1, 1, 1] : tensor<?x2x4xf32> to tensor<?x4xf32>
// CHECK: math.tanh %[[X]]
// CHECK: scan.sigmoid %[[Y]]
func.func @sliced(%xs: tensor<?x?x8xf32>, %a: tensor<4x8xf32>, %b: tensor<4x8xf32>, %h0: tensor<?x4xf32>, %T: index) -> tensor<?x4xf32> {
  %p = scan.dot %xs, %a batch = [[], []] contract = [[2], [1]] : tensor<?x?x8xf32>, tensor<4x8xf32> -> tensor<?x?x4xf32>
  %q = scan.dot %xs, %b batch = [[], []] contract = [[2], [1]] : tensor<?x?x8xf32>, tensor<4x8xf32> -> tensor<?x?x4xf32>
  %r = scan.loop trip(%T) slices(%x = %p : tensor<?x?x4xf32>, %y = %q : tensor<?x?x4xf32>) carry(%h = %h0 : tensor<?x4xf32>) step(%t) {
    %u = math.tanh %y : tensor<?x4xf32>
    %v = scan.sigmoid %x : tensor<?x4xf32>
    %w = arith.mulf %u, %v : tensor<?x4xf32>
    %n = arith.addf %w, %h : tensor<?x4xf32>
    scan.yield carry(%n : tensor<?x4xf32>)
  } -> (tensor<?x4xf32>)
  return %r : tensor<?x4xf32>
}

// -----

// Two loops, one for each: they are no gates of a step, but one product.
// CHECK-LABEL: func @two_loops(
// CHECK: tensor.concat dim(0) %arg1, %arg2 : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<8x8xf32>
func.func @two_loops(%xs: tensor<?x?x8xf32>, %a: tensor<4x8xf32>, %b: tensor<4x8xf32>, %h0: tensor<?x4xf32>, %T: index) -> (tensor<?x4xf32>, tensor<?x4xf32>) {
  %p = scan.dot %xs, %a batch = [[], []] contract = [[2], [1]] : tensor<?x?x8xf32>, tensor<4x8xf32> -> tensor<?x?x4xf32>
  %q = scan.dot %xs, %b batch = [[], []] contract = [[2], [1]] : tensor<?x?x8xf32>, tensor<4x8xf32> -> tensor<?x?x4xf32>
  %r = scan.loop trip(%T) slices(%x = %p : tensor<?x?x4xf32>) carry(%h = %h0 : tensor<?x4xf32>) step(%t) {
    %n = arith.addf %x, %h : tensor<?x4xf32>
    scan.yield carry(%n : tensor<?x4xf32>)
  } -> (tensor<?x4xf32>)
  %s = scan.loop trip(%T) reverse slices(%x = %q : tensor<?x?x4xf32>) carry(%h = %h0 : tensor<?x4xf32>) step(%t) {
    %n = arith.addf %x, %h : tensor<?x4xf32>
    scan.yield carry(%n : tensor<?x4xf32>)
  } -> (tensor<?x4xf32>)
  return %r, %s : tensor<?x4xf32>, tensor<?x4xf32>
}

// -----

// More gates than a phase takes in stay as they are.
// CHECK-LABEL: func @many(
// CHECK-NOT: tensor.insert_slice
// CHECK: scan.dot {{.*}} tensor<8x8x8xf32>
// CHECK: scan.dot {{.*}} tensor<8x8x8xf32>
func.func @many(%h0: tensor<?x8xf32>, %a: tensor<8x8x8xf32>, %b: tensor<8x8x8xf32>, %T: index) -> (tensor<?x?x8x8xf32>, tensor<?x?x8x8xf32>) {
  %r:3 = scan.loop trip(%T) carry(%h = %h0 : tensor<?x8xf32>) step(%t) {
    %p = scan.dot %h, %a batch = [[], []] contract = [[1], [2]] : tensor<?x8xf32>, tensor<8x8x8xf32> -> tensor<?x8x8xf32>
    %q = scan.dot %h, %b batch = [[], []] contract = [[1], [2]] : tensor<?x8xf32>, tensor<8x8x8xf32> -> tensor<?x8x8xf32>
    %n = math.tanh %h : tensor<?x8xf32>
    scan.yield carry(%n : tensor<?x8xf32>) stack(%p, %q : tensor<?x8x8xf32>, tensor<?x8x8xf32>)
  } -> (tensor<?x?x8x8xf32>, tensor<?x?x8x8xf32>, tensor<?x8xf32>)
  return %r#0, %r#1 : tensor<?x?x8x8xf32>, tensor<?x?x8x8xf32>
}

// -----

// A product that a loop reads, between two that belong to no steps, the first of
// them with gates, which stays apart: the merged one stands in front of the loop.
// CHECK-LABEL: func @between(
// CHECK: %[[W:.*]] = tensor.concat dim(0) %arg2, %arg3
// CHECK: %[[P:.*]] = scan.dot %arg0, %[[W]] {{.*}} -> tensor<?x?x7xf32>
// CHECK: scan.loop {{.*}} slices(
// CHECK-NOT: scan.dot
func.func @between(%xs: tensor<?x?x8xf32>, %g: tensor<2x3x8xf32>, %a: tensor<4x8xf32>, %b: tensor<3x8xf32>, %h0: tensor<?x4xf32>, %T: index) -> (tensor<?x?x2x3xf32>, tensor<?x4xf32>, tensor<?x?x3xf32>) {
  %p = scan.dot %xs, %g batch = [[], []] contract = [[2], [2]] : tensor<?x?x8xf32>, tensor<2x3x8xf32> -> tensor<?x?x2x3xf32>
  %q = scan.dot %xs, %a batch = [[], []] contract = [[2], [1]] : tensor<?x?x8xf32>, tensor<4x8xf32> -> tensor<?x?x4xf32>
  %r = scan.loop trip(%T) slices(%x = %q : tensor<?x?x4xf32>) carry(%h = %h0 : tensor<?x4xf32>) step(%t) {
    %n = arith.addf %x, %h : tensor<?x4xf32>
    scan.yield carry(%n : tensor<?x4xf32>)
  } -> (tensor<?x4xf32>)
  %s = scan.dot %xs, %b batch = [[], []] contract = [[2], [1]] : tensor<?x?x8xf32>, tensor<3x8xf32> -> tensor<?x?x3xf32>
  return %p, %r, %s : tensor<?x?x2x3xf32>, tensor<?x4xf32>, tensor<?x?x3xf32>
}
