// RUN: rnn-opt %s --scan-checkpoint --cse --canonicalize --split-input-file --verify-diagnostics --remark-format=emitRemark --remarks-filter=scan-checkpoint | FileCheck %s

// A product with the inputs, a loop, one that reads what it gives, and the sum of
// what is made of it: one loop over segments.
// CHECK-LABEL: func @stack(
// CHECK-SAME: %[[X:.*]]: tensor<?x?x2xf32>, %[[LEN:.*]]: tensor<?xi32>, %[[W:.*]]: tensor<4x2xf32>, %[[H0:.*]]: tensor<?x4xf32>
// CHECK: %[[T:.*]] = tensor.dim %[[X]]
// CHECK: %[[N:.*]], %[[K:.*]] = scan.segments %[[T]] <sqrt>
// CHECK: %[[S:.*]] = scan.split %[[X]] into(%[[N]], %[[K]])
// CHECK: %[[R:.*]]:3 = scan.loop trip(%[[N]]) slices(%[[P:.*]] = %[[S]] : {{.*}}) carry(%[[A:.*]] = %[[H0]] : tensor<?x4xf32>, %[[B:.*]] = %[[H0]] : tensor<?x4xf32>, %[[SUM:.*]] = %{{.*}} : tensor<f32>) step(%[[I:.*]]) {
// CHECK: %[[FIRST:.*]] = arith.muli %[[I]], %[[K]]
// CHECK: %[[L:.*]] = scan.part_lengths %[[LEN]] from(%[[FIRST]]) steps(%[[K]])
// CHECK: %[[Z:.*]] = scan.dot %[[P]], %[[W]]
// CHECK: %[[ONE:.*]]:2 = scan.loop trip(%[[K]]) lengths(%[[L]]) slices({{.*}} = %[[Z]] : tensor<?x?x4xf32>) carry({{.*}} = %[[A]] : tensor<?x4xf32>)
// CHECK: %[[TWO:.*]]:2 = scan.loop trip(%[[K]]) lengths(%[[L]]) slices({{.*}} = %[[ONE]]#0 : tensor<?x?x4xf32>) carry({{.*}} = %[[B]] : tensor<?x4xf32>)
// CHECK: %[[E:.*]] = math.exp %[[TWO]]#0
// CHECK: %[[M:.*]] = scan.mask %[[E]] lengths(%[[L]]) {batch_dim = 1 : i64, time_dim = 0 : i64}
// CHECK: %[[PART:.*]] = scan.reduce sum %[[M]] dims = [0, 1, 2]
// CHECK: %[[NEXT:.*]] = arith.addf %[[SUM]], %[[PART]]
// CHECK: scan.yield carry(%[[ONE]]#1, %[[TWO]]#1, %[[NEXT]] :
// CHECK: {recompute}
// CHECK: return %[[R]]#2, %[[R]]#0
func.func @stack(%x: tensor<?x?x2xf32>, %len: tensor<?xi32>, %w: tensor<4x2xf32>, %h0: tensor<?x4xf32>) -> (tensor<f32>, tensor<?x4xf32>) {
  %c0 = arith.constant 0 : index
  %T = tensor.dim %x, %c0 : tensor<?x?x2xf32>
  %z = scan.dot %x, %w batch = [[], []] contract = [[2], [1]] : tensor<?x?x2xf32>, tensor<4x2xf32> -> tensor<?x?x4xf32>
  %a:2 = scan.loop trip(%T) lengths(%len) slices(%s = %z : tensor<?x?x4xf32>) carry(%h = %h0 : tensor<?x4xf32>) step(%t) {
    %n = arith.addf %h, %s : tensor<?x4xf32>
    scan.yield carry(%n : tensor<?x4xf32>) stack(%n : tensor<?x4xf32>)
  } -> (tensor<?x?x4xf32>, tensor<?x4xf32>) {checkpoint = #scan.checkpoint<sqrt>}
  %b:2 = scan.loop trip(%T) lengths(%len) slices(%s = %a#0 : tensor<?x?x4xf32>) carry(%h = %h0 : tensor<?x4xf32>) step(%t) {
    %n = arith.mulf %h, %s : tensor<?x4xf32>
    scan.yield carry(%n : tensor<?x4xf32>) stack(%s : tensor<?x4xf32>)
  } -> (tensor<?x?x4xf32>, tensor<?x4xf32>) {checkpoint = #scan.checkpoint<sqrt>}
  %e = math.exp %b#0 : tensor<?x?x4xf32>
  %m = scan.mask %e lengths(%len) {time_dim = 0, batch_dim = 1} : tensor<?x?x4xf32>
  %sum = scan.reduce sum %m dims = [0, 1, 2] : tensor<?x?x4xf32> -> tensor<f32>
  return %sum, %a#1 : tensor<f32>, tensor<?x4xf32>
}

// -----

// A loop that goes back has its segments in that order; what needs all steps
// reads the joined sequence; steps count over all segments.
// CHECK-LABEL: func @backward(
// CHECK: scan.segments %{{.*}} <every, 10>
// CHECK: %[[R:.*]]:2 = scan.loop {{.*}} reverse slices({{.*}}) carry({{.*}}) step(%[[I:.*]]) {
// CHECK: %[[FIRST:.*]] = arith.muli %[[I]], %[[K:.*]] :
// CHECK: scan.loop trip(%[[K]]) lengths(%[[L:.*]]) reverse slices({{.*}}) carry({{.*}}) step(%[[J:.*]]) {
// CHECK: %[[STEP:.*]] = arith.addi %[[FIRST]], %[[J]]
// CHECK: scan.stop %{{.*}} at(%[[STEP]])
// CHECK: scan.mask %{{.*}} lengths(%[[L]]) at(%[[J]])
// CHECK: {recompute}
// CHECK: %[[Y:.*]] = scan.join %[[R]]#0 lengths(%{{.*}}) size(%{{.*}})
// CHECK: scan.reverse %[[Y]]
func.func @backward(%x: tensor<?x?x4xf32>, %len: tensor<?xi32>, %h0: tensor<?x4xf32>) -> tensor<?x?x4xf32> {
  %c0 = arith.constant 0 : index
  %T = tensor.dim %x, %c0 : tensor<?x?x4xf32>
  %a:2 = scan.loop trip(%T) lengths(%len) reverse slices(%s = %x : tensor<?x?x4xf32>) carry(%h = %h0 : tensor<?x4xf32>) step(%t) {
    %c = scan.stop %h at(%t) {period = 3} : tensor<?x4xf32>
    %m = scan.mask %s lengths(%len) at(%t) {batch_dim = 0} : tensor<?x4xf32>
    %n = arith.addf %c, %m : tensor<?x4xf32>
    scan.yield carry(%n : tensor<?x4xf32>) stack(%n : tensor<?x4xf32>)
  } -> (tensor<?x?x4xf32>, tensor<?x4xf32>) {checkpoint = #scan.checkpoint<every, 10>}
  %y = scan.reverse %a#0 lengths(%len) : tensor<?x?x4xf32>
  return %y : tensor<?x?x4xf32>
}

// -----

// What reads all steps of one loop comes between it and the next.
// CHECK-LABEL: func @between(
// CHECK: scan.loop
// CHECK: {recompute}
// CHECK: scan.reverse
// CHECK: scan.split
// CHECK: scan.loop
// CHECK: {recompute}
func.func @between(%x: tensor<?x?x4xf32>, %len: tensor<?xi32>, %h0: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %c0 = arith.constant 0 : index
  %T = tensor.dim %x, %c0 : tensor<?x?x4xf32>
  %a:2 = scan.loop trip(%T) lengths(%len) slices(%s = %x : tensor<?x?x4xf32>) carry(%h = %h0 : tensor<?x4xf32>) step(%t) {
    %n = arith.addf %h, %s : tensor<?x4xf32>
    scan.yield carry(%n : tensor<?x4xf32>) stack(%n : tensor<?x4xf32>)
  } -> (tensor<?x?x4xf32>, tensor<?x4xf32>) {checkpoint = #scan.checkpoint<sqrt>}
  %y = scan.reverse %a#0 lengths(%len) : tensor<?x?x4xf32>
  %b = scan.loop trip(%T) lengths(%len) slices(%s = %y : tensor<?x?x4xf32>) carry(%h = %h0 : tensor<?x4xf32>) step(%t) {
    %n = arith.addf %h, %s : tensor<?x4xf32>
    scan.yield carry(%n : tensor<?x4xf32>)
  } -> (tensor<?x4xf32>) {checkpoint = #scan.checkpoint<sqrt>}
  return %b : tensor<?x4xf32>
}

// -----

// A loop of a fixed number of steps is left.
// CHECK-LABEL: func @fixed(
// CHECK-NOT: checkpoint
func.func @fixed(%x: tensor<6x?x4xf32>, %len: tensor<?xi32>, %h0: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %c6 = arith.constant 6 : index
  // expected-remark @+1 {{the gradient keeps all steps of this loop: their number is fixed}}
  %a = scan.loop trip(%c6) slices(%s = %x : tensor<6x?x4xf32>) carry(%h = %h0 : tensor<?x4xf32>) step(%t) {
    %n = arith.addf %h, %s : tensor<?x4xf32>
    scan.yield carry(%n : tensor<?x4xf32>)
  } -> (tensor<?x4xf32>) {checkpoint = #scan.checkpoint<sqrt>}
  return %a : tensor<?x4xf32>
}
