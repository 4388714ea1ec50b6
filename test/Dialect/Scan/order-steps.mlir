// RUN: rnn-opt %s --scan-order-steps --split-input-file | FileCheck %s
// RUN: not rnn-opt %s --scan-order-steps='most=2' 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// UNKNOWN: no such option most

// The shorter way first; what is read first before what is read second. What
// nobody needs is last. The line of the source decides nothing.
// CHECK-LABEL: func @lines(
// CHECK: scan.loop
// CHECK-NEXT: %[[D:.*]] = arith.addf %[[C:.*]], %[[H:.*]] : tensor<?x4xf32>
// CHECK-NEXT: %[[O:.*]] = scan.sigmoid %[[H]]
// CHECK-NEXT: %[[T:.*]] = math.tanh %[[D]]
// CHECK-NEXT: %[[N:.*]] = arith.mulf %[[O]], %[[T]]
// CHECK-NEXT: math.exp
// CHECK-NEXT: scan.yield carry(%[[N]], %[[D]]
func.func @lines(%h0: tensor<?x4xf32>, %c0: tensor<?x4xf32>, %T: index) -> tensor<?x4xf32> {
  %r:2 = scan.loop trip(%T) carry(%h = %h0 : tensor<?x4xf32>, %c = %c0 : tensor<?x4xf32>) step(%t) {
    %unused = math.exp %h : tensor<?x4xf32>
    %o = scan.sigmoid %h : tensor<?x4xf32>
    %d = arith.addf %c, %h : tensor<?x4xf32>
    %b = math.tanh %d : tensor<?x4xf32>
    %n = arith.mulf %o, %b : tensor<?x4xf32>
    scan.yield carry(%n, %d : tensor<?x4xf32>, tensor<?x4xf32>)
  } -> (tensor<?x4xf32>, tensor<?x4xf32>)
  return %r#0 : tensor<?x4xf32>
}

// -----

// Left: ways of one length keep the order of the results; an inner loop stands
// behind all that its body reads.
// CHECK-LABEL: func @left(
// CHECK: scan.loop
// CHECK-NEXT: %[[A:.*]] = math.tanh
// CHECK-NEXT: %[[B:.*]] = math.exp
// CHECK-NEXT: %[[L:.*]] = scan.loop
// CHECK-NEXT: arith.mulf %{{.*}}, %[[A]]
// CHECK: scan.yield carry(%[[A]], %[[B]], %[[L]]
func.func @left(%h0: tensor<?x4xf32>, %T: index) -> tensor<?x4xf32> {
  %r:3 = scan.loop trip(%T) carry(%h = %h0 : tensor<?x4xf32>, %c = %h0 : tensor<?x4xf32>, %s = %h0 : tensor<?x4xf32>) step(%t) {
    %b = math.exp %h : tensor<?x4xf32>
    %a = math.tanh %h : tensor<?x4xf32>
    %i = scan.loop trip(%T) carry(%g = %s : tensor<?x4xf32>) step(%u) {
      %m = arith.mulf %g, %a : tensor<?x4xf32>
      scan.yield carry(%m : tensor<?x4xf32>)
    } -> (tensor<?x4xf32>)
    scan.yield carry(%a, %b, %i : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>)
  } -> (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>)
  return %r#2 : tensor<?x4xf32>
}
