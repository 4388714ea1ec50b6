// RUN: rnn-opt %s -grad-generate -canonicalize -cse | FileCheck %s

func.func private @lstm(%xs: tensor<?x?x16xf32>, %h0: tensor<?x8xf32>, %c0: tensor<?x8xf32>, %len: tensor<?xi32>,
    %w: tensor<4x8x16xf32>, %u: tensor<4x8x8xf32>, %b: tensor<4x8xf32>)
    -> (tensor<?x?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>) {
  %0 = arith.constant 0 : index
  %1 = arith.constant 1 : index
  %x0 = scan.enter %xs lengths(%len) : tensor<?x?x16xf32> -> tensor<?x?x16xf32>
  %T = tensor.dim %x0, %0 : tensor<?x?x16xf32>
  %B = tensor.dim %x0, %1 : tensor<?x?x16xf32>
  %ys, %hT, %cT = scan.loop trip(%T) lengths(%len) slices(%x = %x0 : tensor<?x?x16xf32>)
      carry(%h = %h0 : tensor<?x8xf32>, %c = %c0 : tensor<?x8xf32>) step(%t) {
    %wx = scan.dot %x, %w batch = [[], []] contract = [[1], [2]] : tensor<?x16xf32>, tensor<4x8x16xf32> -> tensor<?x4x8xf32>
    %uh = scan.dot %h, %u batch = [[], []] contract = [[1], [2]] : tensor<?x8xf32>, tensor<4x8x8xf32> -> tensor<?x4x8xf32>
    %s = arith.addf %wx, %uh : tensor<?x4x8xf32>
    %b1 = scan.broadcast %b sizes(%B) dims = [1, 2] : tensor<4x8xf32> -> tensor<?x4x8xf32>
    %z = arith.addf %s, %b1 : tensor<?x4x8xf32>
    %zi = tensor.extract_slice %z[0, 0, 0] [%B, 1, 8] [1, 1, 1] : tensor<?x4x8xf32> to tensor<?x8xf32>
    %zf = tensor.extract_slice %z[0, 1, 0] [%B, 1, 8] [1, 1, 1] : tensor<?x4x8xf32> to tensor<?x8xf32>
    %zg = tensor.extract_slice %z[0, 2, 0] [%B, 1, 8] [1, 1, 1] : tensor<?x4x8xf32> to tensor<?x8xf32>
    %zo = tensor.extract_slice %z[0, 3, 0] [%B, 1, 8] [1, 1, 1] : tensor<?x4x8xf32> to tensor<?x8xf32>
    %i = scan.sigmoid %zi : tensor<?x8xf32>
    %f = scan.sigmoid %zf : tensor<?x8xf32>
    %g = math.tanh %zg : tensor<?x8xf32>
    %o = scan.sigmoid %zo : tensor<?x8xf32>
    %fc = arith.mulf %f, %c : tensor<?x8xf32>
    %ig = arith.mulf %i, %g : tensor<?x8xf32>
    %c1 = arith.addf %fc, %ig : tensor<?x8xf32>
    %tc = math.tanh %c1 : tensor<?x8xf32>
    %h1 = arith.mulf %o, %tc : tensor<?x8xf32>
    scan.yield carry(%h1, %c1 : tensor<?x8xf32>, tensor<?x8xf32>) stack(%h1 : tensor<?x8xf32>)
  } -> (tensor<?x?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>)
  %y = scan.leave %ys lengths(%len) : tensor<?x?x8xf32> -> tensor<?x?x8xf32>
  return %y, %hT, %cT : tensor<?x?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>
}

func.func @vjp(%xs: tensor<?x?x16xf32>, %h0: tensor<?x8xf32>, %c0: tensor<?x8xf32>, %len: tensor<?xi32>,
    %w: tensor<4x8x16xf32>, %u: tensor<4x8x8xf32>, %b: tensor<4x8xf32>,
    %cot: tensor<?x?x8xf32>, %coth: tensor<?x8xf32>)
    -> (tensor<?x?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x?x16xf32>, tensor<?x8xf32>, tensor<?x8xf32>, tensor<4x8x16xf32>, tensor<4x8x8xf32>, tensor<4x8xf32>) {
  %r:9 = grad.vjp @lstm(%xs, %h0, %c0, %len, %w, %u, %b) wrt = [0, 1, 2, 4, 5, 6] cotangents(%cot, %coth) of = [0, 1]
   : (tensor<?x?x16xf32>, tensor<?x8xf32>, tensor<?x8xf32>, tensor<?xi32>, tensor<4x8x16xf32>, tensor<4x8x8xf32>, tensor<4x8xf32>), (tensor<?x?x8xf32>, tensor<?x8xf32>)
   -> (tensor<?x?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x?x16xf32>, tensor<?x8xf32>, tensor<?x8xf32>, tensor<4x8x16xf32>, tensor<4x8x8xf32>, tensor<4x8xf32>)
  return %r#0, %r#1, %r#2, %r#3, %r#4, %r#5, %r#6, %r#7, %r#8
   : tensor<?x?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x?x16xf32>, tensor<?x8xf32>, tensor<?x8xf32>, tensor<4x8x16xf32>, tensor<4x8x8xf32>, tensor<4x8xf32>
}

// The reversed body holds one product for the state; the weights' are sums.
// CHECK-LABEL: func @vjp
// CHECK: scan.loop trip
// CHECK: scan.yield carry(%[[H:.*]], %[[C:.*]] : tensor<?x8xf32>, tensor<?x8xf32>) stack(%[[H]], %{{[^)]*}})
// The carry before each step comes from what is stacked anyway.
// CHECK: scan.shift %{{.*}}#0 fill(%{{.*}} : tensor<?x8xf32>) {by = 1 : i64}
// CHECK: scan.loop trip({{.*}}) lengths({{.*}}) reverse
// CHECK-NOT: math.tanh
// CHECK-NOT: scan.sigmoid
// CHECK-COUNT-4: tensor.insert_slice
// CHECK-NEXT: scan.dot
// CHECK: scan.mask %{{.*}} lengths(%{{.*}}) at(%{{.*}}) {batch_dim = 0 : i64}
// CHECK: scan.reduce sum
// CHECK: scan.leave
