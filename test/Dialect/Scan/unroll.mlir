// RUN: rnn-opt %s --scan-unroll='factor=0 budget=40' --split-input-file --verify-diagnostics --remark-format=emitRemark --remarks-filter=scan-unroll | FileCheck %s
// RUN: rnn-opt %s --scan-unroll='factor=4' --split-input-file --remark-format=emitRemark --remarks-filter=scan-unroll 2> %t | FileCheck %s --check-prefix=FOUR
// RUN: FileCheck %s --check-prefix=REMARK < %t
// RUN: rnn-opt %s --scan-unroll --split-input-file --remark-format=emitRemark --remarks-filter=scan-unroll 2>&1 | FileCheck %s --check-prefix=OFF --implicit-check-not='] not-unrolled'
// RUN: not rnn-opt %s --scan-unroll='factor=-1' --split-input-file 2>&1 | FileCheck %s --check-prefix=NEGATIVE
// RUN: not rnn-opt %s --scan-unroll='budget=-1' --split-input-file 2>&1 | FileCheck %s --check-prefix=BUDGET
// RUN: not rnn-opt %s --scan-unroll='factor=full' 2>&1 | FileCheck %s --check-prefix=VALUE
// RUN: not rnn-opt %s --scan-unroll='by=2' 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// NEGATIVE: scan-unroll: the factor must be from 0 to 1024
// BUDGET: scan-unroll: the budget must not be negative
// VALUE: option: '{{.*}}' {{(is invalid value for boolean argument|value invalid for long argument)}}
// UNKNOWN: no such option by

// Two carries are exchanged: each copy reads what the one before yields.
// CHECK-LABEL: func @forward(
// CHECK-SAME: %[[XS:arg0]]: tensor<2x?x8xf32>, %[[A0:arg1]]: tensor<?x8xf32>, %[[B0:arg2]]: tensor<?x8xf32>
// CHECK-NOT: scan.loop
// CHECK: %[[X0:.*]] = tensor.extract_slice %[[XS]][0, 0, 0] [1, %{{.*}}, 8]
// CHECK: %[[S0:.*]] = arith.addf %[[A0]], %[[X0]]
// CHECK: %[[Y0:.*]] = tensor.insert_slice %[[B0]] into %{{.*}}[0, 0, 0] [1, %{{.*}}, 8]
// CHECK: %[[X1:.*]] = tensor.extract_slice %[[XS]][1, 0, 0] [1, %{{.*}}, 8]
// CHECK: %[[S1:.*]] = arith.addf %[[B0]], %[[X1]]
// CHECK: %[[Y1:.*]] = tensor.insert_slice %[[S0]] into %[[Y0]][1, 0, 0] [1, %{{.*}}, 8]
// CHECK: return %[[Y1]], %[[S0]], %[[S1]]
// Fewer steps than the factor.
// REMARK: remark: {{.*}}not-unrolled{{.*}}this time loop is not unrolled: it has 2 steps, fewer than the factor 4
// OFF-LABEL: func @forward(
// OFF: scan.loop
func.func @forward(%xs: tensor<2x?x8xf32>, %a0: tensor<?x8xf32>, %b0: tensor<?x8xf32>) -> (tensor<2x?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>) {
  %c2 = arith.constant 2 : index
  %r:3 = scan.loop trip(%c2) slices(%x = %xs : tensor<2x?x8xf32>) carry(%a = %a0 : tensor<?x8xf32>, %b = %b0 : tensor<?x8xf32>) step(%t) {
    %s = arith.addf %a, %x : tensor<?x8xf32>
    scan.yield carry(%b, %s : tensor<?x8xf32>, tensor<?x8xf32>) stack(%b : tensor<?x8xf32>)
  } -> (tensor<2x?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>)
  return %r#0, %r#1, %r#2 : tensor<2x?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>
}

// -----

// Backwards: the last step comes first, and stays the last row.
// CHECK-LABEL: func @backward(
// CHECK: tensor.extract_slice %arg0[1, 0, 0]
// CHECK: tensor.insert_slice {{.*}}[1, 0, 0]
// CHECK: tensor.extract_slice %arg0[0, 0, 0]
// CHECK: tensor.insert_slice {{.*}}[0, 0, 0]
func.func @backward(%xs: tensor<2x?x8xf32>, %h0: tensor<?x8xf32>) -> tensor<2x?x8xf32> {
  %c2 = arith.constant 2 : index
  %r:2 = scan.loop trip(%c2) reverse slices(%x = %xs : tensor<2x?x8xf32>) carry(%h = %h0 : tensor<?x8xf32>) step(%t) {
    %s = arith.addf %h, %x : tensor<?x8xf32>
    scan.yield carry(%s : tensor<?x8xf32>) stack(%s : tensor<?x8xf32>)
  } -> (tensor<2x?x8xf32>, tensor<?x8xf32>)
  return %r#0 : tensor<2x?x8xf32>
}

// -----

// No step at all: the first value is the last.
// CHECK-LABEL: func @nothing(
// CHECK-NOT: arith.addf
// CHECK: return %arg0
func.func @nothing(%h0: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %c0 = arith.constant 0 : index
  %r = scan.loop trip(%c0) carry(%h = %h0 : tensor<?x8xf32>) step(%t) {
    %s = arith.addf %h, %h : tensor<?x8xf32>
    scan.yield carry(%s : tensor<?x8xf32>)
  } -> (tensor<?x8xf32>)
  return %r : tensor<?x8xf32>
}

// -----

// By a factor, time and lengths may be known only when running; fully not.
// FOUR-LABEL: func @running(
// FOUR: {unroll = 4 : i64}
// FOUR: {unroll = 4 : i64}
// FOUR: {unroll = 2 : i64}
// The attribute goes before the option.
// CHECK-LABEL: func @running(
// CHECK: scan.yield
// CHECK-NOT: unroll =
// CHECK: scan.yield
// CHECK-NOT: unroll =
// CHECK: scan.yield
// CHECK: {unroll = 2 : i64}
// OFF-LABEL: func @running(
// OFF-NOT: unroll = 4
// OFF: {unroll = 2 : i64}
func.func @running(%xs: tensor<?x?x8xf32>, %h0: tensor<?x8xf32>, %len: tensor<?xi32>, %T: index) -> (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>) {
  %c3 = arith.constant 3 : index
  // expected-remark @+1 {{this time loop is not unrolled: the number of steps is known only when running}}
  %a = scan.loop trip(%T) slices(%x = %xs : tensor<?x?x8xf32>) carry(%h = %h0 : tensor<?x8xf32>) step(%t) {
    %s = arith.addf %h, %x : tensor<?x8xf32>
    scan.yield carry(%s : tensor<?x8xf32>)
  } -> (tensor<?x8xf32>)
  %c5 = arith.constant 5 : index
  // expected-remark @+1 {{this time loop is not unrolled: examples end at different steps}}
  %b = scan.loop trip(%c5) lengths(%len) carry(%h = %h0 : tensor<?x8xf32>) step(%t) {
    %s = arith.addf %h, %h : tensor<?x8xf32>
    scan.yield carry(%s : tensor<?x8xf32>)
  } -> (tensor<?x8xf32>)
  %c = scan.loop trip(%T) carry(%h = %h0 : tensor<?x8xf32>) step(%t) {
    %s = arith.addf %h, %h : tensor<?x8xf32>
    scan.yield carry(%s : tensor<?x8xf32>)
  } -> (tensor<?x8xf32>) {unroll = 2}
  return %a, %b, %c : tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>
}

// -----

// The budget holds for either.
// CHECK-LABEL: func @large(
// CHECK: scan.loop
func.func @large(%h0: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %c100 = arith.constant 100 : index
  // expected-remark @+1 {{this time loop is not unrolled: 100 copies of 2 ops exceed the budget of 40}}
  %r = scan.loop trip(%c100) carry(%h = %h0 : tensor<?x8xf32>) step(%t) {
    %s = arith.addf %h, %h : tensor<?x8xf32>
    scan.yield carry(%s : tensor<?x8xf32>)
  } -> (tensor<?x8xf32>)
  return %r : tensor<?x8xf32>
}

// -----

// REMARK: remark: {{.*}}this time loop is not unrolled: there is a loop in it
// FOUR-LABEL: func @nested(
// FOUR: scan.yield
// FOUR: {unroll = 4 : i64}
// FOUR: scan.yield
// FOUR-NOT: unroll
// Inside first: its copies are counted.
// CHECK-LABEL: func @nested(
// CHECK: scan.loop
// CHECK-COUNT-5: arith.mulf
// CHECK: scan.yield
func.func @nested(%h0: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %c9 = arith.constant 9 : index
  %c5 = arith.constant 5 : index
  // expected-remark @+1 {{9 copies of 11 ops exceed the budget of 40}}
  %r = scan.loop trip(%c9) carry(%h = %h0 : tensor<?x8xf32>) step(%t) {
    %q = scan.loop trip(%c5) carry(%g = %h : tensor<?x8xf32>) step(%s) {
      %m = arith.mulf %g, %g : tensor<?x8xf32>
      scan.yield carry(%m : tensor<?x8xf32>)
    } -> (tensor<?x8xf32>)
    scan.yield carry(%q : tensor<?x8xf32>)
  } -> (tensor<?x8xf32>)
  return %r : tensor<?x8xf32>
}
