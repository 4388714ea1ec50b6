// RUN: rnn-opt %s --scan-sum-weight-gradients --canonicalize --split-input-file --verify-diagnostics --remark-format=emitRemark --remarks-filter=scan-sum-weight-gradients | FileCheck %s
// RUN: rnn-opt %s --scan-sum-weight-gradients='products-only=true' --canonicalize --split-input-file | FileCheck %s --check-prefix=ONLY
// RUN: not rnn-opt %s --scan-sum-weight-gradients='products-only=3' 2>&1 | FileCheck %s --check-prefix=VALUE
// RUN: not rnn-opt %s --scan-sum-weight-gradients='product=true' 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// VALUE: option: '{{.*}}' {{(is invalid value for boolean argument|value invalid for long argument)}}
// UNKNOWN: no such option product

// A gradient loop: of W, U and b. One factor of each is a slice or stacked
// anyway; what the products need besides is stacked.
// CHECK-LABEL: func @weights(
// CHECK-SAME: %[[GS:arg0]]: tensor<?x?x16xf32>, %[[XS:arg1]]: tensor<?x?x8xf32>, %[[HS:arg2]]: tensor<?x?x16xf32>
// CHECK: %[[L:.*]]:2 = scan.loop {{.*}} reverse slices(%[[G:.*]] = %[[GS]] : tensor<?x?x16xf32>) carry(%[[C:.*]] = {{.*}} : tensor<?x16xf32>) step(
// CHECK-NEXT: %[[D:.*]] = arith.addf %[[G]], %[[C]]
// CHECK-NEXT: scan.dot %[[D]], %{{.*}}
// CHECK-NEXT: scan.yield carry(%{{.*}}) stack(%[[D]] :
// CHECK-DAG: scan.dot %[[L]]#0, %[[XS]] batch = {{\[\[\], \[\]\]}} contract = {{\[\[0, 1\], \[0, 1\]\]}} : tensor<?x?x16xf32>, tensor<?x?x8xf32> -> tensor<16x8xf32>
// CHECK-DAG: scan.dot %[[L]]#0, %[[HS]] batch = {{\[\[\], \[\]\]}} contract = {{\[\[0, 1\], \[0, 1\]\]}} : tensor<?x?x16xf32>, tensor<?x?x16xf32> -> tensor<16x16xf32>
// CHECK-DAG: scan.reduce sum %[[L]]#0 dims = [0, 1] : tensor<?x?x16xf32> -> tensor<16xf32>
// With products only, the sum of the rows is left.
// ONLY-LABEL: func @weights(
// ONLY: scan.loop {{.*}} carry({{.*}} : tensor<16xf32>, {{.*}} : tensor<?x16xf32>)
// ONLY: scan.reduce sum {{.*}} dims = [0]
// ONLY: scan.yield
// ONLY-NOT: scan.reduce
func.func @weights(%gs: tensor<?x?x16xf32>, %xs: tensor<?x?x8xf32>, %hs: tensor<?x?x16xf32>, %u: tensor<16x16xf32>, %g0: tensor<?x16xf32>, %T: index)
    -> (tensor<16x8xf32>, tensor<16x16xf32>, tensor<16xf32>, tensor<?x16xf32>) {
  %w0 = arith.constant dense<0.0> : tensor<16x8xf32>
  %u0 = arith.constant dense<0.0> : tensor<16x16xf32>
  %b0 = arith.constant dense<0.0> : tensor<16xf32>
  // expected-remark @+1 {{3 sums over the steps of this time loop are made at once, behind it}}
  %r:4 = scan.loop trip(%T) reverse slices(%g = %gs : tensor<?x?x16xf32>, %x = %xs : tensor<?x?x8xf32>, %h = %hs : tensor<?x?x16xf32>)
      carry(%dw = %w0 : tensor<16x8xf32>, %du = %u0 : tensor<16x16xf32>, %db = %b0 : tensor<16xf32>, %c = %g0 : tensor<?x16xf32>) step(%t) {
    %d = arith.addf %g, %c : tensor<?x16xf32>
    %n = scan.dot %d, %u batch = [[], []] contract = [[1], [0]] : tensor<?x16xf32>, tensor<16x16xf32> -> tensor<?x16xf32>
    %pw = scan.dot %d, %x batch = [[], []] contract = [[0], [0]] : tensor<?x16xf32>, tensor<?x8xf32> -> tensor<16x8xf32>
    %pu = scan.dot %d, %h batch = [[], []] contract = [[0], [0]] : tensor<?x16xf32>, tensor<?x16xf32> -> tensor<16x16xf32>
    %pb = scan.reduce sum %d dims = [0] : tensor<?x16xf32> -> tensor<16xf32>
    %sw = arith.addf %dw, %pw : tensor<16x8xf32>
    %su = arith.addf %pu, %du : tensor<16x16xf32>
    %sb = arith.addf %db, %pb : tensor<16xf32>
    scan.yield carry(%sw, %su, %sb, %n : tensor<16x8xf32>, tensor<16x16xf32>, tensor<16xf32>, tensor<?x16xf32>)
  } -> (tensor<16x8xf32>, tensor<16x16xf32>, tensor<16xf32>, tensor<?x16xf32>)
  return %r#0, %r#1, %r#2, %r#3 : tensor<16x8xf32>, tensor<16x16xf32>, tensor<16xf32>, tensor<?x16xf32>
}

// -----

// The gradient of a table; the first value is added after the loop.
// CHECK-LABEL: func @table(
// CHECK: %[[S:.*]] = scan.scatter_add %arg0[%arg1] batch_dims = 0 : tensor<?x?x8xf32>, tensor<?x?xi32> -> tensor<9x8xf32>
// CHECK: arith.addf %arg2, %[[S]]
func.func @table(%gs: tensor<?x?x8xf32>, %is: tensor<?x?xi32>, %first: tensor<9x8xf32>, %T: index) -> tensor<9x8xf32> {
  // expected-remark @+1 {{1 sum over the steps of this time loop is made at once, behind it}}
  %r = scan.loop trip(%T) slices(%g = %gs : tensor<?x?x8xf32>, %i = %is : tensor<?x?xi32>) carry(%d = %first : tensor<9x8xf32>) step(%t) {
    %p = scan.scatter_add %g[%i] batch_dims = 0 : tensor<?x8xf32>, tensor<?xi32> -> tensor<9x8xf32>
    %s = arith.addf %d, %p : tensor<9x8xf32>
    scan.yield carry(%s : tensor<9x8xf32>)
  } -> (tensor<9x8xf32>)
  return %r : tensor<9x8xf32>
}

// -----

// Ragged: a slice that is masked by the step needs no mask once it is summed
// with what the loop stacks, which is zero past the end.
// CHECK-LABEL: func @ragged(
// CHECK: %[[L:.*]]:2 = scan.loop
// CHECK: scan.dot %[[L]]#0, %arg1 {{.*}} contract = {{\[\[0, 1\], \[0, 1\]\]}}
func.func @ragged(%gs: tensor<?x?x16xf32>, %xs: tensor<?x?x8xf32>, %g0: tensor<?x16xf32>, %len: tensor<?xi32>, %T: index) -> (tensor<16x8xf32>, tensor<?x16xf32>) {
  %w0 = arith.constant dense<0.0> : tensor<16x8xf32>
  // expected-remark @+1 {{1 sum over the steps of this time loop is made at once, behind it}}
  %r:2 = scan.loop trip(%T) lengths(%len) reverse slices(%g = %gs : tensor<?x?x16xf32>, %x = %xs : tensor<?x?x8xf32>)
      carry(%dw = %w0 : tensor<16x8xf32>, %c = %g0 : tensor<?x16xf32>) step(%t) {
    %d = arith.addf %g, %c : tensor<?x16xf32>
    %m = scan.mask %d lengths(%len) at(%t) {batch_dim = 0} : tensor<?x16xf32>
    %p = scan.dot %m, %x batch = [[], []] contract = [[0], [0]] : tensor<?x16xf32>, tensor<?x8xf32> -> tensor<16x8xf32>
    %s = arith.addf %dw, %p : tensor<16x8xf32>
    scan.yield carry(%s, %d : tensor<16x8xf32>, tensor<?x16xf32>)
  } -> (tensor<16x8xf32>, tensor<?x16xf32>)
  return %r#0, %r#1 : tensor<16x8xf32>, tensor<?x16xf32>
}

// -----

// What stays, and why.
// CHECK-LABEL: func @stays(
// CHECK: scan.loop
// CHECK: scan.yield carry(%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} :
func.func @stays(%xs: tensor<?x?x8xf32>, %h0: tensor<?x8xf32>, %w: tensor<8x8xf32>, %T: index) -> (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>) {
  // expected-remark @+3 {{a sum is made step by step in this time loop: what is added is the same in every step}}
  // expected-remark @+2 {{a sum is made step by step in this time loop: one factor is the same in every step}}
  // expected-remark @+1 {{a sum is made step by step in this time loop: what is added is not kept for all steps}}
  %r:4 = scan.loop trip(%T) slices(%x = %xs : tensor<?x?x8xf32>)
      carry(%a = %h0 : tensor<?x8xf32>, %b = %h0 : tensor<?x8xf32>, %c = %h0 : tensor<?x8xf32>, %d = %h0 : tensor<?x8xf32>) step(%t) {
    %a1 = arith.addf %a, %h0 : tensor<?x8xf32>
    %p = scan.dot %x, %w batch = [[], []] contract = [[1], [1]] : tensor<?x8xf32>, tensor<8x8xf32> -> tensor<?x8xf32>
    %b1 = arith.addf %b, %p : tensor<?x8xf32>
    %e = math.exp %x : tensor<?x8xf32>
    %c1 = arith.addf %c, %e : tensor<?x8xf32>
    // Not a sum: the carry is read elsewhere, too.
    %d1 = arith.addf %d, %d : tensor<?x8xf32>
    scan.yield carry(%a1, %b1, %c1, %d1 : tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>)
  } -> (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>)
  return %r#0, %r#1, %r#2, %r#3 : tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>
}

// -----

// A row that has ended adds nothing, whatever the sequence from outside holds there.
// CHECK-LABEL: @ended
func.func @ended(%x: tensor<?x?xf32>, %first: tensor<?xf32>, %len: tensor<?xi32>, %T: index) -> tensor<?xf32> {
  // CHECK: %[[VALID:.*]] = scan.mask %arg0 lengths(%arg2) {batch_dim = 1 : i64, time_dim = 0 : i64}
  // CHECK: scan.reduce sum %[[VALID]] dims = [0]
  // expected-remark@+1 {{sum-moved}}
  %h = scan.loop trip(%T) lengths(%len) slices(%s = %x : tensor<?x?xf32>) carry(%a = %first : tensor<?xf32>) step(%t) {
    %n = arith.addf %a, %s : tensor<?xf32>
    scan.yield carry(%n : tensor<?xf32>)
  } -> (tensor<?xf32>)
  return %h : tensor<?xf32>
}

// -----

// What is a part of something that is stacked is kept with it.
// ONLY-LABEL: func @part(
// CHECK-LABEL: func @part(
// CHECK: %[[R:.*]]:{{[0-9]}} = scan.loop
// CHECK: stack(%{{[^:]*}} : tensor<?x2x4xf32>)
// CHECK-DAG: %[[A:.*]] = tensor.extract_slice %[[R]]#0[0, 0, 1, 0] [%{{.*}}, %{{.*}}, 1, 4] [1, 1, 1, 1] : tensor<?x?x2x4xf32> to tensor<?x?x4xf32>
// CHECK-DAG: scan.reduce sum %[[A]] dims = [0, 1]
func.func @part(%gs: tensor<?x?x4xf32>, %g0: tensor<?x4xf32>, %zero: tensor<?x2x4xf32>, %b0: tensor<4xf32>, %n: index, %T: index) -> (tensor<?x?x2x4xf32>, tensor<4xf32>) {
  // expected-remark @+1 {{1 sum over the steps of this time loop is made at once, behind it}}
  %r:3 = scan.loop trip(%T) slices(%g = %gs : tensor<?x?x4xf32>) carry(%h = %g0 : tensor<?x4xf32>, %b = %b0 : tensor<4xf32>) step(%t) {
    %d = arith.mulf %g, %h : tensor<?x4xf32>
    %e = math.tanh %d : tensor<?x4xf32>
    %i = tensor.insert_slice %d into %zero[0, 1, 0] [%n, 1, 4] [1, 1, 1] : tensor<?x4xf32> into tensor<?x2x4xf32>
    %j = tensor.insert_slice %e into %i[0, 0, 0] [%n, 1, 4] [1, 1, 1] : tensor<?x4xf32> into tensor<?x2x4xf32>
    %s = scan.reduce sum %d dims = [0] : tensor<?x4xf32> -> tensor<4xf32>
    %m = arith.addf %b, %s : tensor<4xf32>
    scan.yield carry(%e, %m : tensor<?x4xf32>, tensor<4xf32>) stack(%j : tensor<?x2x4xf32>)
  } -> (tensor<?x?x2x4xf32>, tensor<?x4xf32>, tensor<4xf32>)
  return %r#0, %r#2 : tensor<?x?x2x4xf32>, tensor<4xf32>
}

// -----

// Written over, it is kept no more.
// ONLY-LABEL: func @over(
// CHECK-LABEL: func @over(
// CHECK-NOT: tensor.extract_slice
func.func @over(%gs: tensor<?x?x4xf32>, %g0: tensor<?x4xf32>, %zero: tensor<?x2x4xf32>, %b0: tensor<4xf32>, %n: index, %T: index) -> (tensor<?x?x2x4xf32>, tensor<4xf32>) {
  // expected-remark @+1 {{what is added is not kept for all steps}}
  %r:3 = scan.loop trip(%T) slices(%g = %gs : tensor<?x?x4xf32>) carry(%h = %g0 : tensor<?x4xf32>, %b = %b0 : tensor<4xf32>) step(%t) {
    %d = arith.mulf %g, %h : tensor<?x4xf32>
    %e = math.tanh %d : tensor<?x4xf32>
    %i = tensor.insert_slice %d into %zero[0, 1, 0] [%n, 1, 4] [1, 1, 1] : tensor<?x4xf32> into tensor<?x2x4xf32>
    %j = tensor.insert_slice %e into %i[0, 1, 0] [%n, 1, 4] [1, 1, 1] : tensor<?x4xf32> into tensor<?x2x4xf32>
    %s = scan.reduce sum %d dims = [0] : tensor<?x4xf32> -> tensor<4xf32>
    %m = arith.addf %b, %s : tensor<4xf32>
    scan.yield carry(%e, %m : tensor<?x4xf32>, tensor<4xf32>) stack(%j : tensor<?x2x4xf32>)
  } -> (tensor<?x?x2x4xf32>, tensor<?x4xf32>, tensor<4xf32>)
  return %r#0, %r#2 : tensor<?x?x2x4xf32>, tensor<4xf32>
}
