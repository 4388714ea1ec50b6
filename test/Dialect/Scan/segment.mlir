// RUN: rnn-opt %s --scan-segment --split-input-file --verify-diagnostics --remark-format=emitRemark --remarks-filter=scan-segment | FileCheck %s
// RUN: rnn-opt %s --scan-segment='steps=7' --split-input-file | FileCheck %s --check-prefix=SEVEN
// RUN: not rnn-opt %s --scan-segment='steps=-1' --split-input-file 2>&1 | FileCheck %s --check-prefix=NEGATIVE
// RUN: not rnn-opt %s --scan-segment='steps=x' 2>&1 | FileCheck %s --check-prefix=WORD
// RUN: not rnn-opt %s --scan-segment='step=1' 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// NEGATIVE: scan-segment: steps must not be negative
// WORD: for the --steps option: 'x' value invalid
// UNKNOWN: no such option step

// Forward, every carry is cut as it enters a step; indices have no gradient.
// CHECK-LABEL: func @forward(
// CHECK: scan.loop {{.*}} carry(%[[H:.*]] = {{.*}}, %[[C:.*]] = {{.*}}, %[[I:.*]] = {{.*}} : tensor<?xi32>) step(%[[T:.*]]) {
// CHECK-DAG: %[[H1:.*]] = scan.stop %[[H]] at(%[[T]]) {period = 3 : i64}
// CHECK-DAG: %[[C1:.*]] = scan.stop %[[C]] at(%[[T]]) {period = 3 : i64}
// CHECK-NOT: scan.stop
// CHECK: arith.addf %[[H1]], %[[C1]]
// CHECK: scan.yield carry(%{{.*}}, %[[H1]], %[[I]] :
// CHECK-NOT: segment
// The attribute goes before the option.
// SEVEN-LABEL: func @forward(
// SEVEN: period = 3
func.func @forward(%h0: tensor<?x8xf32>, %i0: tensor<?xi32>, %T: index) -> (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?xi32>) {
  %r:3 = scan.loop trip(%T) carry(%h = %h0 : tensor<?x8xf32>, %c = %h0 : tensor<?x8xf32>, %i = %i0 : tensor<?xi32>) step(%t) {
    %n = arith.addf %h, %c : tensor<?x8xf32>
    scan.yield carry(%n, %h, %i : tensor<?x8xf32>, tensor<?x8xf32>, tensor<?xi32>)
  } -> (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?xi32>) {segment = 3}
  return %r#0, %r#1, %r#2 : tensor<?x8xf32>, tensor<?x8xf32>, tensor<?xi32>
}

// -----

// Backwards, the borders are the same: the step behind one cuts what it hands
// on. Ragged lengths change nothing, steps count from the first.
// CHECK-LABEL: func @backward(
// CHECK: scan.loop {{.*}} lengths(%{{.*}}) reverse {{.*}} carry(%[[H:.*]] = {{.*}}) step(%[[T:.*]]) {
// CHECK-NEXT: %[[N:.*]] = arith.addf %[[H]], %{{.*}}
// CHECK-NEXT: %[[S:.*]] = scan.stop %[[N]] at(%[[T]]) {period = 4 : i64}
// CHECK-NEXT: scan.yield carry(%[[S]] : tensor<?x8xf32>) stack(%[[N]] :
// SEVEN-LABEL: func @backward(
// SEVEN: period = 4
func.func @backward(%xs: tensor<?x?x8xf32>, %h0: tensor<?x8xf32>, %len: tensor<?xi32>, %T: index) -> tensor<?x?x8xf32> {
  %ys, %hT = scan.loop trip(%T) lengths(%len) reverse slices(%x = %xs : tensor<?x?x8xf32>) carry(%h = %h0 : tensor<?x8xf32>) step(%t) {
    %n = arith.addf %h, %x : tensor<?x8xf32>
    scan.yield carry(%n : tensor<?x8xf32>) stack(%n : tensor<?x8xf32>)
  } -> (tensor<?x?x8xf32>, tensor<?x8xf32>) {segment = 4}
  return %ys : tensor<?x?x8xf32>
}

// -----

// A loop that ends at the first border, or before it, is left.
// CHECK-LABEL: func @short(
// CHECK-NOT: scan.stop
// CHECK-NOT: segment
// SEVEN-LABEL: func @short(
func.func @short(%h0: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %c4 = arith.constant 4 : index
  // expected-remark @+1 {{`bptt` cuts nothing in this time loop: it has no more steps than a piece}}
  %r = scan.loop trip(%c4) carry(%h = %h0 : tensor<?x8xf32>) step(%t) {
    %n = arith.addf %h, %h : tensor<?x8xf32>
    scan.yield carry(%n : tensor<?x8xf32>)
  } -> (tensor<?x8xf32>) {segment = 4}
  return %r : tensor<?x8xf32>
}

// -----

// Without attribute and option nothing is cut, without carries nothing can be.
// CHECK-LABEL: func @unmarked(
// CHECK-NOT: scan.stop
// SEVEN-LABEL: func @unmarked(
// SEVEN: carry(%[[H:.*]] = {{.*}}) step(%[[T:.*]]) {
// SEVEN-NEXT: scan.stop %[[H]] at(%[[T]]) {period = 7 : i64}
// SEVEN: scan.loop {{.*}} slices(
// SEVEN-NOT: scan.stop
func.func @unmarked(%xs: tensor<?x?x8xf32>, %h0: tensor<?x8xf32>, %T: index) -> (tensor<?x8xf32>, tensor<?x?x8xf32>) {
  %r = scan.loop trip(%T) carry(%h = %h0 : tensor<?x8xf32>) step(%t) {
    %n = arith.addf %h, %h : tensor<?x8xf32>
    scan.yield carry(%n : tensor<?x8xf32>)
  } -> (tensor<?x8xf32>)
  %ys = scan.loop trip(%T) slices(%x = %xs : tensor<?x?x8xf32>) step(%t) {
    %n = arith.addf %x, %x : tensor<?x8xf32>
    scan.yield stack(%n : tensor<?x8xf32>)
  } -> (tensor<?x?x8xf32>)
  return %r, %ys : tensor<?x8xf32>, tensor<?x?x8xf32>
}
