// RUN: rnn-opt %s --scan-chunk --cse --canonicalize --split-input-file | FileCheck %s
// RUN: rnn-opt %s --scan-chunk=steps=7 --split-input-file | FileCheck %s --check-prefix=SEVEN
// RUN: not rnn-opt %s --scan-chunk=steps=-1 --split-input-file 2>&1 | FileCheck %s --check-prefix=BAD
// BAD: error: scan-chunk: steps must not be negative

// A product for all steps, a loop that reads it, another product and a loop that
// reads that: a chunk of each, and only then the next. What passes between them
// is there for a chunk alone.
// CHECK-LABEL: func @stack(
// CHECK-SAME: %[[X:.*]]: tensor<?x?x2xf32>, %[[LEN:.*]]: tensor<?xi32>, %[[W:.*]]: tensor<4x2xf32>, %[[V:.*]]: tensor<8x4xf32>, %[[H0:.*]]: tensor<?x4xf32>
// CHECK-DAG: %[[T:.*]] = tensor.dim %[[X]]
// CHECK-DAG: %[[B:.*]] = tensor.dim %[[LEN]]
// CHECK: %[[N:.*]], %[[K:.*]] = scan.chunks %[[T]] rows(%[[B]]) {bytes = 32 : i64, weights = 128 : i64}
// CHECK: %[[S:.*]] = scan.split %[[X]] into(%[[N]], %[[K]])
// CHECK: %[[R:.*]]:3 = scan.loop trip(%[[N]]) slices(%[[P:.*]] = %[[S]] : {{.*}}) carry(
// CHECK: %[[FIRST:.*]] = arith.muli %{{.*}}, %[[K]]
// CHECK: %[[L:.*]] = scan.part_lengths %[[LEN]] from(%[[FIRST]]) steps(%[[K]])
// CHECK: %[[Z:.*]] = scan.dot %[[P]], %[[W]]
// CHECK: %[[ONE:.*]]:2 = scan.loop trip(%[[K]]) lengths(%[[L]]) slices({{.*}} = %[[Z]] : tensor<?x?x4xf32>)
// CHECK: %[[Y:.*]] = scan.dot %[[ONE]]#0, %[[V]]
// CHECK: %[[TWO:.*]]:2 = scan.loop trip(%[[K]]) lengths(%[[L]]) slices({{.*}} = %[[Y]] : tensor<?x?x8xf32>)
// CHECK: scan.yield carry(%[[ONE]]#1, %[[TWO]]#1 : {{.*}}) stack(%[[TWO]]#0 : tensor<?x?x4xf32>)
// CHECK: {recompute}
// CHECK: %[[O:.*]] = scan.join %[[R]]#0 lengths(%[[LEN]]) size(%[[T]])
// CHECK: return %[[O]], %[[R]]#1
// SEVEN-LABEL: func @stack(
// SEVEN: scan.chunks {{.*}} {bytes = 32 : i64, most = 7 : i64, weights = 128 : i64}
func.func @stack(%x: tensor<?x?x2xf32>, %len: tensor<?xi32>, %w: tensor<4x2xf32>, %v: tensor<8x4xf32>, %h0: tensor<?x4xf32>) -> (tensor<?x?x4xf32>, tensor<?x4xf32>) {
  %c0 = arith.constant 0 : index
  %T = tensor.dim %x, %c0 : tensor<?x?x2xf32>
  %B = tensor.dim %len, %c0 : tensor<?xi32>
  %z = scan.dot %x, %w batch = [[], []] contract = [[2], [1]] : tensor<?x?x2xf32>, tensor<4x2xf32> -> tensor<?x?x4xf32>
  %a:2 = scan.loop trip(%T) lengths(%len) slices(%s = %z : tensor<?x?x4xf32>) carry(%h = %h0 : tensor<?x4xf32>) step(%t) {
    %n = arith.addf %h, %s : tensor<?x4xf32>
    scan.yield carry(%n : tensor<?x4xf32>) stack(%n : tensor<?x4xf32>)
  } -> (tensor<?x?x4xf32>, tensor<?x4xf32>)
  %y = scan.dot %a#0, %v batch = [[], []] contract = [[2], [1]] : tensor<?x?x4xf32>, tensor<8x4xf32> -> tensor<?x?x8xf32>
  %b:2 = scan.loop trip(%T) lengths(%len) slices(%s = %y : tensor<?x?x8xf32>) carry(%h = %h0 : tensor<?x4xf32>) step(%t) {
    %p = tensor.extract_slice %s[0, 4] [%B, 4] [1, 1] : tensor<?x8xf32> to tensor<?x4xf32>
    %n = arith.mulf %h, %p : tensor<?x4xf32>
    scan.yield carry(%n : tensor<?x4xf32>) stack(%n : tensor<?x4xf32>)
  } -> (tensor<?x?x4xf32>, tensor<?x4xf32>)
  return %b#0, %a#1 : tensor<?x?x4xf32>, tensor<?x4xf32>
}

// -----

// Somebody else reads the product too: it is made before, once, and the loop is
// left.
// CHECK-LABEL: func @shared(
// CHECK-NOT: scan.chunks
func.func @shared(%x: tensor<?x?x2xf32>, %len: tensor<?xi32>, %w: tensor<4x2xf32>, %h0: tensor<?x4xf32>) -> (tensor<?x4xf32>, tensor<?x?x4xf32>) {
  %c0 = arith.constant 0 : index
  %T = tensor.dim %x, %c0 : tensor<?x?x2xf32>
  %z = scan.dot %x, %w batch = [[], []] contract = [[2], [1]] : tensor<?x?x2xf32>, tensor<4x2xf32> -> tensor<?x?x4xf32>
  %a = scan.loop trip(%T) lengths(%len) slices(%s = %z : tensor<?x?x4xf32>) carry(%h = %h0 : tensor<?x4xf32>) step(%t) {
    %n = arith.addf %h, %s : tensor<?x4xf32>
    scan.yield carry(%n : tensor<?x4xf32>)
  } -> (tensor<?x4xf32>)
  %e = math.exp %z : tensor<?x?x4xf32>
  return %a, %e : tensor<?x4xf32>, tensor<?x?x4xf32>
}

// -----

// What is kept of a step is more than what passes by: nothing would be won.
// CHECK-LABEL: func @kept(
// CHECK-NOT: scan.chunks
func.func @kept(%x: tensor<?x?x2xf32>, %len: tensor<?xi32>, %w: tensor<4x2xf32>, %h0: tensor<?x4xf32>) -> (tensor<?x?x4xf32>, tensor<?x?x4xf32>) {
  %c0 = arith.constant 0 : index
  %T = tensor.dim %x, %c0 : tensor<?x?x2xf32>
  %z = scan.dot %x, %w batch = [[], []] contract = [[2], [1]] : tensor<?x?x2xf32>, tensor<4x2xf32> -> tensor<?x?x4xf32>
  %a:3 = scan.loop trip(%T) lengths(%len) slices(%s = %z : tensor<?x?x4xf32>) carry(%h = %h0 : tensor<?x4xf32>) step(%t) {
    %n = arith.addf %h, %s : tensor<?x4xf32>
    scan.yield carry(%n : tensor<?x4xf32>) stack(%n, %h : tensor<?x4xf32>, tensor<?x4xf32>)
  } -> (tensor<?x?x4xf32>, tensor<?x?x4xf32>, tensor<?x4xf32>)
  return %a#0, %a#1 : tensor<?x?x4xf32>, tensor<?x?x4xf32>
}

// -----

// Nothing is made for the loop, and a loop of fixed length needs no chunks.
// CHECK-LABEL: func @left(
// CHECK-NOT: scan.chunks
func.func @left(%x: tensor<?x?x2xf32>, %len: tensor<?xi32>, %h0: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %c0 = arith.constant 0 : index
  %T = tensor.dim %x, %c0 : tensor<?x?x2xf32>
  %a = scan.loop trip(%T) lengths(%len) slices(%s = %x : tensor<?x?x2xf32>) carry(%h = %h0 : tensor<?x2xf32>) step(%t) {
    %n = arith.addf %h, %s : tensor<?x2xf32>
    scan.yield carry(%n : tensor<?x2xf32>)
  } -> (tensor<?x2xf32>)
  return %a : tensor<?x2xf32>
}
