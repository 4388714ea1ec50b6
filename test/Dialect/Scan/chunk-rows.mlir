// RUN: rnn-opt %s --scan-chunk-rows=least=4 --cse --canonicalize --split-input-file | FileCheck %s
// RUN: rnn-opt %s --scan-chunk-rows="least=4 steps=7" --split-input-file | FileCheck %s --check-prefix=SEVEN
// RUN: rnn-opt %s --scan-chunk-rows=least=9 --split-input-file | FileCheck %s --check-prefix=SHORT
// RUN: rnn-opt %s --scan-chunk-rows=least=4 --split-input-file --verify-diagnostics --remark-format=emitRemark --remarks-filter=scan-chunk-rows -o /dev/null
// RUN: not rnn-opt %s --scan-chunk-rows=steps=-1 --split-input-file 2>&1 | FileCheck %s --check-prefix=BAD
// RUN: not rnn-opt %s --scan-chunk-rows=least=0 --split-input-file 2>&1 | FileCheck %s --check-prefix=LEAST
// BAD: error: scan-chunk-rows: steps must not be negative
// LEAST: error: scan-chunk-rows: least must be positive
// SHORT-NOT: scan.chunks

// The scores of a step, their soft maximum and the gradient of it are there for
// a chunk. What is small of a step is kept of all, sums over time are added up.
// CHECK-LABEL: func @head(
// CHECK-SAME: %[[X:.*]]: tensor<?x?x2xf32>, %[[LEN:.*]]: tensor<?xi32>, %[[W:.*]]: tensor<8x2xf32>, %[[H0:.*]]: tensor<?x2xf32>
// CHECK: %[[N:.*]], %[[K:.*]] = scan.chunks %[[T:.*]] rows(%{{.*}}) {bytes = 32 : i64, sums, weights = 64 : i64}
// CHECK: %[[H:.*]]:2 = scan.loop trip(%[[T]]) lengths(%[[LEN]])
// CHECK: %[[S:.*]] = scan.split %[[H]]#0 into(%[[N]], %[[K]])
// CHECK: %[[R:.*]]:4 = scan.loop trip(%[[N]]) slices(%[[P:.*]] = %[[S]] : {{.*}}) carry(%[[DW:.*]] = %{{.*}} : tensor<8x2xf32>, %[[DB:.*]] = %{{.*}} : tensor<8xf32>)
// CHECK: %[[L:.*]] = scan.part_lengths %[[LEN]]
// CHECK: %[[Z:.*]] = scan.dot %[[P]], %[[W]]
// CHECK: %[[E:.*]] = scan.reduce logsumexp %[[Z]]
// CHECK: %[[B:.*]] = scan.broadcast %[[E]] sizes(%[[K]],
// CHECK: %[[D:.*]] = arith.subf %[[Z]], %[[B]]
// CHECK: %[[M:.*]] = scan.mask %[[D]] lengths(%[[L]])
// CHECK-DAG: %[[DX:.*]] = scan.dot %[[D]], %[[W]] {{.*}} -> tensor<?x?x2xf32>
// CHECK-DAG: %[[PW:.*]] = scan.dot %[[M]], %[[P]] {{.*}} -> tensor<8x2xf32>
// CHECK-DAG: %[[NW:.*]] = arith.addf %[[DW]], %[[PW]]
// CHECK-DAG: %[[PB:.*]] = scan.reduce sum %[[M]] dims = [0, 1]
// CHECK-DAG: %[[NB:.*]] = arith.addf %[[DB]], %[[PB]]
// CHECK: scan.yield carry(%[[NW]], %[[NB]] : {{.*}}) stack(%[[E]], %[[DX]] : {{.*}})
// CHECK: {recompute}
// CHECK-DAG: scan.join %[[R]]#0 size(%[[T]])
// CHECK-DAG: scan.join %[[R]]#1 size(%[[T]])
// SEVEN-LABEL: func @head(
// SEVEN: scan.chunks {{.*}} most = 7 : i64
func.func @head(%x: tensor<?x?x2xf32>, %len: tensor<?xi32>, %w: tensor<8x2xf32>, %h0: tensor<?x2xf32>) -> (tensor<?x?xf32>, tensor<?x?x2xf32>, tensor<8x2xf32>, tensor<8xf32>) {
  %c0 = arith.constant 0 : index
  %T = tensor.dim %x, %c0 : tensor<?x?x2xf32>
  %B = tensor.dim %len, %c0 : tensor<?xi32>
  %h:2 = scan.loop trip(%T) lengths(%len) slices(%s = %x : tensor<?x?x2xf32>) carry(%c = %h0 : tensor<?x2xf32>) step(%t) {
    %n = arith.addf %c, %s : tensor<?x2xf32>
    scan.yield carry(%n : tensor<?x2xf32>) stack(%n : tensor<?x2xf32>)
  } -> (tensor<?x?x2xf32>, tensor<?x2xf32>)
  // expected-remark @+1 {{rows of a product and what is made of them pass by}}
  %z = scan.dot %h#0, %w batch = [[], []] contract = [[2], [1]] : tensor<?x?x2xf32>, tensor<8x2xf32> -> tensor<?x?x8xf32>
  %e = scan.reduce logsumexp %z dims = [2] : tensor<?x?x8xf32> -> tensor<?x?xf32>
  %b = scan.broadcast %e sizes(%T, %B) dims = [0, 1] : tensor<?x?xf32> -> tensor<?x?x8xf32>
  %d = arith.subf %z, %b : tensor<?x?x8xf32>
  %m = scan.mask %d lengths(%len) {batch_dim = 1 : i64, time_dim = 0 : i64} : tensor<?x?x8xf32>
  %dx = scan.dot %d, %w batch = [[], []] contract = [[2], [0]] : tensor<?x?x8xf32>, tensor<8x2xf32> -> tensor<?x?x2xf32>
  %dw = scan.dot %m, %h#0 batch = [[], []] contract = [[0, 1], [0, 1]] : tensor<?x?x8xf32>, tensor<?x?x2xf32> -> tensor<8x2xf32>
  %db = scan.reduce sum %m dims = [0, 1] : tensor<?x?x8xf32> -> tensor<8xf32>
  return %e, %dx, %dw, %db : tensor<?x?xf32>, tensor<?x?x2xf32>, tensor<8x2xf32>, tensor<8xf32>
}

// -----

// Somebody wants the rows themselves.
// CHECK-LABEL: func @wanted(
// CHECK-NOT: scan.chunks
func.func @wanted(%x: tensor<?x?x2xf32>, %len: tensor<?xi32>, %w: tensor<8x2xf32>, %h0: tensor<?x2xf32>) -> (tensor<?x2xf32>, tensor<?x?x8xf32>) {
  %c0 = arith.constant 0 : index
  %T = tensor.dim %x, %c0 : tensor<?x?x2xf32>
  %h = scan.loop trip(%T) lengths(%len) slices(%s = %x : tensor<?x?x2xf32>) carry(%c = %h0 : tensor<?x2xf32>) step(%t) {
    %n = arith.addf %c, %s : tensor<?x2xf32>
    scan.yield carry(%n : tensor<?x2xf32>)
  } -> (tensor<?x2xf32>)
  // expected-remark @+1 {{rows of 8 numbers are in memory for all steps: its long rows are read as a whole}}
  %z = scan.dot %x, %w batch = [[], []] contract = [[2], [1]] : tensor<?x?x2xf32>, tensor<8x2xf32> -> tensor<?x?x8xf32>
  %e = math.exp %z : tensor<?x?x8xf32>
  return %h, %e : tensor<?x2xf32>, tensor<?x?x8xf32>
}

// -----

// What is summed may be anything past the end of an example.
// CHECK-LABEL: func @unmasked(
// CHECK-NOT: scan.chunks
func.func @unmasked(%x: tensor<?x?x2xf32>, %len: tensor<?xi32>, %w: tensor<8x2xf32>, %h0: tensor<?x2xf32>) -> (tensor<?x2xf32>, tensor<8xf32>) {
  %c0 = arith.constant 0 : index
  %T = tensor.dim %x, %c0 : tensor<?x?x2xf32>
  %h = scan.loop trip(%T) lengths(%len) slices(%s = %x : tensor<?x?x2xf32>) carry(%c = %h0 : tensor<?x2xf32>) step(%t) {
    %n = arith.addf %c, %s : tensor<?x2xf32>
    scan.yield carry(%n : tensor<?x2xf32>)
  } -> (tensor<?x2xf32>)
  // expected-remark @+1 {{rows of 8 numbers are in memory for all steps: its long rows are read as a whole}}
  %z = scan.dot %x, %w batch = [[], []] contract = [[2], [1]] : tensor<?x?x2xf32>, tensor<8x2xf32> -> tensor<?x?x8xf32>
  %e = scan.reduce sum %z dims = [0, 1] : tensor<?x?x8xf32> -> tensor<8xf32>
  return %h, %e : tensor<?x2xf32>, tensor<8xf32>
}

// -----

// A time loop goes from one to the other: all steps of the first come before
// any of the second.
// CHECK-LABEL: func @between(
// CHECK-NOT: scan.chunks
func.func @between(%x: tensor<?x?x2xf32>, %len: tensor<?xi32>, %w: tensor<8x2xf32>, %h0: tensor<?xf32>) -> tensor<?x?xf32> {
  %c0 = arith.constant 0 : index
  %T = tensor.dim %x, %c0 : tensor<?x?x2xf32>
  %B = tensor.dim %len, %c0 : tensor<?xi32>
  // expected-remark @+1 {{rows of 8 numbers are in memory for all steps: something made of it needs several steps for one}}
  %z = scan.dot %x, %w batch = [[], []] contract = [[2], [1]] : tensor<?x?x2xf32>, tensor<8x2xf32> -> tensor<?x?x8xf32>
  %e = scan.reduce logsumexp %z dims = [2] : tensor<?x?x8xf32> -> tensor<?x?xf32>
  %h:2 = scan.loop trip(%T) lengths(%len) slices(%s = %e : tensor<?x?xf32>) carry(%c = %h0 : tensor<?xf32>) step(%t) {
    %n = arith.addf %c, %s : tensor<?xf32>
    scan.yield carry(%n : tensor<?xf32>) stack(%n : tensor<?xf32>)
  } -> (tensor<?x?xf32>, tensor<?xf32>)
  %b = scan.broadcast %h#0 sizes(%T, %B) dims = [0, 1] : tensor<?x?xf32> -> tensor<?x?x8xf32>
  %d = arith.subf %z, %b : tensor<?x?x8xf32>
  %r = scan.reduce logsumexp %d dims = [2] : tensor<?x?x8xf32> -> tensor<?x?xf32>
  return %r : tensor<?x?xf32>
}
