// RUN: rnn-opt %s --scan-hoist --canonicalize --split-input-file --verify-diagnostics --remark-format=emitRemark --remarks-filter=scan-hoist | FileCheck %s
// RUN: rnn-opt %s --scan-hoist='functions=false' --canonicalize --split-input-file | FileCheck %s --check-prefix=PRODUCTS
// RUN: not rnn-opt %s --scan-hoist='functions=2' 2>&1 | FileCheck %s --check-prefix=VALUE
// RUN: not rnn-opt %s --scan-hoist='function=true' 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// VALUE: option: '{{.*}}' {{(is invalid value for boolean argument|value invalid for long argument)}}
// UNKNOWN: no such option function

// The product with the input leaves, that with the carry stays. What was
// computed for all steps comes in as a slice.
// CHECK-LABEL: func @forward(
// CHECK-SAME: %[[XS:arg0]]: tensor<?x?x8xf32>, %[[W:arg1]]: tensor<16x8xf32>, %[[U:arg2]]: tensor<16x16xf32>
// CHECK: %[[P:.*]] = scan.dot %[[XS]], %[[W]] batch = {{\[\[\], \[\]\]}} contract = {{\[\[2\], \[1\]\]}}
// CHECK: scan.loop {{.*}} slices({{.*}}%[[Q:[a-z0-9]*]] = %[[P]] : tensor<?x?x16xf32>) carry(%[[H:.*]] = {{.*}}) step(
// CHECK-NEXT: %[[R:.*]] = scan.dot %[[H]], %[[U]]
// CHECK-NEXT: %[[S:.*]] = arith.addf %[[Q]], %[[R]]
// CHECK-NEXT: math.tanh %[[S]]
func.func @forward(%xs: tensor<?x?x8xf32>, %w: tensor<16x8xf32>, %u: tensor<16x16xf32>, %h0: tensor<?x16xf32>, %T: index) -> tensor<?x16xf32> {
  %hT = scan.loop trip(%T) slices(%x = %xs : tensor<?x?x8xf32>) carry(%h = %h0 : tensor<?x16xf32>) step(%t) {
    %p = scan.dot %x, %w batch = [[], []] contract = [[1], [1]] : tensor<?x8xf32>, tensor<16x8xf32> -> tensor<?x16xf32>
    %q = scan.dot %h, %u batch = [[], []] contract = [[1], [1]] : tensor<?x16xf32>, tensor<16x16xf32> -> tensor<?x16xf32>
    %s = arith.addf %p, %q : tensor<?x16xf32>
    %n = math.tanh %s : tensor<?x16xf32>
    scan.yield carry(%n : tensor<?x16xf32>)
  } -> (tensor<?x16xf32>)
  return %hT : tensor<?x16xf32>
}

// -----

// A chain of free values leaves as one; each step's number of a mask or of
// random numbers becomes a position in time. Backwards and ragged all the same.
// CHECK-LABEL: func @chain(
// CHECK-SAME: %[[XS:arg0]]: tensor<?x?x8xf32>, %{{.*}}: tensor<?x8xf32>, %[[W:arg2]]: tensor<8x8xf32>, %[[LEN:arg3]]: tensor<?xi32>, %[[KEY:arg4]]: tensor<2xi64>, %[[T:arg5]]: index, %[[B:arg6]]: index
// CHECK: %[[U:.*]] = scan.random %[[KEY]] sizes(%[[T]], %[[B]]) {batch_dim = 1 : i64, site = 3 : i64, time_dim = 0 : i64} : tensor<?x?x8xf32>
// CHECK: %[[D:.*]] = arith.mulf %[[XS]], %[[U]] : tensor<?x?x8xf32>
// CHECK: %[[M:.*]] = scan.mask %[[D]] lengths(%[[LEN]]) {batch_dim = 1 : i64, time_dim = 0 : i64}
// CHECK: %[[F:.*]] = tensor.extract_slice %[[M]][0, 0, 0] [%[[T]], %[[B]], 4] [1, 1, 1] : tensor<?x?x8xf32> to tensor<?x?x4xf32>
// CHECK: %[[C:.*]] = tensor.concat dim(2) %[[F]], %[[F]]
// CHECK: %[[P:.*]] = scan.dot %[[C]], %[[W]] batch = {{\[\[\], \[\]\]}} contract = {{\[\[2\], \[1\]\]}}
// CHECK: scan.loop {{.*}} reverse slices({{.*}} = %[[P]]
// CHECK-NOT: scan.dot
func.func @chain(%xs: tensor<?x?x8xf32>, %h0: tensor<?x8xf32>, %w: tensor<8x8xf32>, %len: tensor<?xi32>, %key: tensor<2xi64>, %T: index, %B: index) -> tensor<?x8xf32> {
  %hT = scan.loop trip(%T) lengths(%len) reverse slices(%x = %xs : tensor<?x?x8xf32>) carry(%h = %h0 : tensor<?x8xf32>) step(%t) {
    %u = scan.random %key sizes(%B) at(%t) {site = 3, batch_dim = 0} : tensor<?x8xf32>
    %d = arith.mulf %x, %u : tensor<?x8xf32>
    %m = scan.mask %d lengths(%len) at(%t) {batch_dim = 0} : tensor<?x8xf32>
    %f = tensor.extract_slice %m[0, 0] [%B, 4] [1, 1] : tensor<?x8xf32> to tensor<?x4xf32>
    %c = tensor.concat dim(1) %f, %f : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x8xf32>
    %p = scan.dot %c, %w batch = [[], []] contract = [[1], [1]] : tensor<?x8xf32>, tensor<8x8xf32> -> tensor<?x8xf32>
    %n = arith.addf %p, %h : tensor<?x8xf32>
    scan.yield carry(%n : tensor<?x8xf32>)
  } -> (tensor<?x8xf32>)
  return %hT : tensor<?x8xf32>
}

// -----

// Functions leave unless that is switched off; products leave in any case.
// What one root needs of another is not sliced twice.
// CHECK-LABEL: func @functions(
// CHECK: %[[A:.*]] = math.tanh %arg0 : tensor<?x?x8xf32>
// CHECK: %[[B:.*]] = scan.dot %[[A]], %arg1
// CHECK: scan.loop {{.*}} slices({{.*}} = %[[A]] {{.*}} = %[[B]] :
// CHECK-NOT: math.tanh
// PRODUCTS-LABEL: func @functions(
// PRODUCTS: scan.dot
// PRODUCTS: scan.loop
// PRODUCTS-NOT: scan.dot
// PRODUCTS: math.tanh
func.func @functions(%xs: tensor<?x?x8xf32>, %w: tensor<8x8xf32>, %h0: tensor<?x8xf32>, %T: index) -> tensor<?x8xf32> {
  %hT = scan.loop trip(%T) slices(%x = %xs : tensor<?x?x8xf32>) carry(%h = %h0 : tensor<?x8xf32>) step(%t) {
    %a = math.tanh %x : tensor<?x8xf32>
    %b = scan.dot %a, %w batch = [[], []] contract = [[1], [1]] : tensor<?x8xf32>, tensor<8x8xf32> -> tensor<?x8xf32>
    %s = arith.addf %a, %b : tensor<?x8xf32>
    %n = arith.addf %s, %h : tensor<?x8xf32>
    scan.yield carry(%n : tensor<?x8xf32>)
  } -> (tensor<?x8xf32>)
  return %hT : tensor<?x8xf32>
}

// -----

// Look-ups; a product of the table first: time goes in front.
// CHECK-LABEL: func @lookup(
// CHECK: %[[E:.*]] = scan.gather %arg1[%arg0] batch_dims = 0 : tensor<9x8xf32>, tensor<?x?xi32> -> tensor<?x?x8xf32>
// CHECK: %[[D:.*]] = scan.dot %arg2, %[[E]] batch = {{\[\[\], \[\]\]}} contract = {{\[\[1\], \[2\]\]}} : tensor<4x8xf32>, tensor<?x?x8xf32> -> tensor<4x?x?xf32>
// CHECK: scan.transpose %[[D]] perm = [1, 0, 2]
// CHECK: scan.loop
// CHECK-NOT: scan.gather
// CHECK-NOT: scan.dot
func.func @lookup(%is: tensor<?x?xi32>, %table: tensor<9x8xf32>, %w: tensor<4x8xf32>, %h0: tensor<4x?xf32>, %T: index) -> tensor<4x?xf32> {
  %hT = scan.loop trip(%T) slices(%i = %is : tensor<?x?xi32>) carry(%h = %h0 : tensor<4x?xf32>) step(%t) {
    %e = scan.gather %table[%i] batch_dims = 0 : tensor<9x8xf32>, tensor<?xi32> -> tensor<?x8xf32>
    %p = scan.dot %w, %e batch = [[], []] contract = [[1], [1]] : tensor<4x8xf32>, tensor<?x8xf32> -> tensor<4x?xf32>
    %n = arith.addf %h, %p : tensor<4x?xf32>
    scan.yield carry(%n : tensor<4x?xf32>)
  } -> (tensor<4x?xf32>)
  return %hT : tensor<4x?xf32>
}

// -----

// The gradient of the input: stacked only, and so is its factor. It is one
// product after the loop.
// CHECK-LABEL: func @gradient(
// CHECK: %[[L:.*]]:2 = scan.loop {{.*}} reverse
// CHECK: scan.dot {{.*}} contract = {{\[\[1\], \[1\]\]}}
// CHECK-NOT: scan.dot
// CHECK: scan.yield
// CHECK: scan.dot %[[L]]#0, %arg2 batch = {{\[\[\], \[\]\]}} contract = {{\[\[2\], \[0\]\]}} : tensor<?x?x16xf32>, tensor<16x8xf32> -> tensor<?x?x8xf32>
func.func @gradient(%gs: tensor<?x?x16xf32>, %u: tensor<16x16xf32>, %w: tensor<16x8xf32>, %g0: tensor<?x16xf32>, %T: index) -> (tensor<?x?x16xf32>, tensor<?x?x8xf32>) {
  %r:3 = scan.loop trip(%T) reverse slices(%g = %gs : tensor<?x?x16xf32>) carry(%c = %g0 : tensor<?x16xf32>) step(%t) {
    %d = arith.addf %g, %c : tensor<?x16xf32>
    %n = scan.dot %d, %u batch = [[], []] contract = [[1], [1]] : tensor<?x16xf32>, tensor<16x16xf32> -> tensor<?x16xf32>
    %x = scan.dot %d, %w batch = [[], []] contract = [[1], [0]] : tensor<?x16xf32>, tensor<16x8xf32> -> tensor<?x8xf32>
    scan.yield carry(%n : tensor<?x16xf32>) stack(%d, %x : tensor<?x16xf32>, tensor<?x8xf32>)
  } -> (tensor<?x?x16xf32>, tensor<?x?x8xf32>, tensor<?x16xf32>)
  return %r#0, %r#1 : tensor<?x?x16xf32>, tensor<?x?x8xf32>
}

// -----

// A product with the result of an inner loop stays, with a remark.
// CHECK-LABEL: func @inner(
// CHECK: scan.loop
// CHECK: scan.loop
// CHECK: scan.dot
func.func @inner(%xs: tensor<?x?x8xf32>, %w: tensor<8x8xf32>, %h0: tensor<?x8xf32>, %T: index, %N: index) -> tensor<?x8xf32> {
  %hT = scan.loop trip(%T) slices(%x = %xs : tensor<?x?x8xf32>) carry(%h = %h0 : tensor<?x8xf32>) step(%t) {
    %a = scan.loop trip(%N) carry(%b = %x : tensor<?x8xf32>) step(%s) {
      %m = arith.mulf %b, %b : tensor<?x8xf32>
      scan.yield carry(%m : tensor<?x8xf32>)
    } -> (tensor<?x8xf32>)
    // expected-remark @+1 {{this product does not need the step before, but stays in the time loop: the loop inside it is not computed for all steps at once}}
    %p = scan.dot %a, %w batch = [[], []] contract = [[1], [1]] : tensor<?x8xf32>, tensor<8x8xf32> -> tensor<?x8xf32>
    %n = arith.addf %h, %p : tensor<?x8xf32>
    scan.yield carry(%n : tensor<?x8xf32>)
  } -> (tensor<?x8xf32>)
  return %hT : tensor<?x8xf32>
}

// -----

// A function whose values are larger than what they come from stays where they
// would take much memory, and says so; smaller ones and what it reads leave.
// CHECK-LABEL: func @large(
// CHECK: %[[D:.*]] = scan.softplus %{{.*}} : tensor<?x?x128xf32>
// CHECK: %[[S:.*]] = math.exp %{{.*}} : tensor<?x?x16x8xf32>
// CHECK: scan.loop {{.*}} slices({{.*}}%[[E:[a-z0-9]*]] = %[[D]] : tensor<?x?x128xf32>
// CHECK: scan.broadcast %[[E]]
// CHECK: math.exp %{{.*}} : tensor<?x128x8xf32>
func.func @large(%xs: tensor<?x?x128xf32>, %ys: tensor<?x?x16xf32>, %h0: tensor<?x128x8xf32>, %k0: tensor<?x16x8xf32>, %T: index, %B: index) -> (tensor<?x128x8xf32>, tensor<?x16x8xf32>) {
  %hT, %kT = scan.loop trip(%T) slices(%x = %xs : tensor<?x?x128xf32>, %y = %ys : tensor<?x?x16xf32>) carry(%h = %h0 : tensor<?x128x8xf32>, %k = %k0 : tensor<?x16x8xf32>) step(%t) {
    %d = scan.softplus %x : tensor<?x128xf32>
    %e = scan.broadcast %d sizes(%B) dims = [0, 1] : tensor<?x128xf32> -> tensor<?x128x8xf32>
    // expected-remark @below {{`exp` is computed step by step: for all steps at once its values would take 4096 bytes for each step and example}}
    %f = math.exp %e : tensor<?x128x8xf32>
    %n = arith.mulf %f, %h : tensor<?x128x8xf32>
    %w = scan.broadcast %y sizes(%B) dims = [0, 1] : tensor<?x16xf32> -> tensor<?x16x8xf32>
    %s = math.exp %w : tensor<?x16x8xf32>
    %m = arith.mulf %s, %k : tensor<?x16x8xf32>
    scan.yield carry(%n, %m : tensor<?x128x8xf32>, tensor<?x16x8xf32>)
  } -> (tensor<?x128x8xf32>, tensor<?x16x8xf32>)
  return %hT, %kT : tensor<?x128x8xf32>, tensor<?x16x8xf32>
}

// -----

// A product of two values of the step is no faster for all steps at once: it
// stays where a large one would have to be kept for that. One that is small, and
// of small ones, leaves; so does a product with a matrix from outside.
// CHECK-LABEL: func @of_step(
// CHECK: scan.dot %{{.*}}, %{{.*}} : tensor<?x?x4xf32>, tensor<?x?x8xf32> -> tensor<?x?x4x8xf32>
// CHECK: scan.dot %{{.*}} : tensor<?x?x64xf32>, tensor<64x64xf32> -> tensor<?x?x64xf32>
// CHECK: scan.loop
// CHECK: scan.dot %{{.*}} : tensor<?x64xf32>, tensor<?x64xf32> -> tensor<?x64x64xf32>
// CHECK: scan.dot %{{.*}} : tensor<?x64x64xf32>, tensor<?x64xf32> -> tensor<?x64xf32>
func.func @of_step(%as: tensor<?x?x4xf32>, %bs: tensor<?x?x8xf32>, %ks: tensor<?x?x64xf32>, %ms: tensor<?x?x64x64xf32>, %w: tensor<64x64xf32>, %a0: tensor<?x4x8xf32>, %k0: tensor<?x64x64xf32>, %m0: tensor<?x64xf32>, %T: index) -> (tensor<?x4x8xf32>, tensor<?x64x64xf32>, tensor<?x64xf32>) {
  %r:3 = scan.loop trip(%T) slices(%a = %as : tensor<?x?x4xf32>, %b = %bs : tensor<?x?x8xf32>, %k = %ks : tensor<?x?x64xf32>, %m = %ms : tensor<?x?x64x64xf32>) carry(%s = %a0 : tensor<?x4x8xf32>, %t = %k0 : tensor<?x64x64xf32>, %u = %m0 : tensor<?x64xf32>) step(%i) {
    %p = scan.dot %a, %b batch = [[0], [0]] contract = [[], []] : tensor<?x4xf32>, tensor<?x8xf32> -> tensor<?x4x8xf32>
    %v = scan.dot %k, %w batch = [[], []] contract = [[1], [1]] : tensor<?x64xf32>, tensor<64x64xf32> -> tensor<?x64xf32>
    // expected-remark @below {{this product of two values of the step is computed step by step: for all steps at once it would be no faster}}
    %q = scan.dot %k, %v batch = [[0], [0]] contract = [[], []] : tensor<?x64xf32>, tensor<?x64xf32> -> tensor<?x64x64xf32>
    // expected-remark @below {{this product of two values of the step is computed step by step}}
    %o = scan.dot %m, %k batch = [[0], [0]] contract = [[2], [1]] : tensor<?x64x64xf32>, tensor<?x64xf32> -> tensor<?x64xf32>
    %s2 = arith.addf %s, %p : tensor<?x4x8xf32>
    %t2 = arith.addf %t, %q : tensor<?x64x64xf32>
    %u2 = arith.addf %u, %o : tensor<?x64xf32>
    scan.yield carry(%s2, %t2, %u2 : tensor<?x4x8xf32>, tensor<?x64x64xf32>, tensor<?x64xf32>)
  } -> (tensor<?x4x8xf32>, tensor<?x64x64xf32>, tensor<?x64xf32>)
  return %r#0, %r#1, %r#2 : tensor<?x4x8xf32>, tensor<?x64x64xf32>, tensor<?x64xf32>
}
