// RUN: rnn-opt %s -split-input-file -verify-diagnostics

func.func private @f(%w: tensor<8xf32>, %i: tensor<?xi32>) -> tensor<f32> {
  %0 = scan.reduce sum %w dims = [0] : tensor<8xf32> -> tensor<f32>
  return %0 : tensor<f32>
}

func.func @index_gradient(%w: tensor<8xf32>, %i: tensor<?xi32>, %one: tensor<f32>) -> tensor<?xi32> {
  // expected-error @+1 {{argument 1, 'tensor<?xi32>', has no gradient}}
  %l, %d = grad.vjp @f(%w, %i) wrt = [1] cotangents(%one) of = [0]
     : (tensor<8xf32>, tensor<?xi32>), (tensor<f32>) -> (tensor<f32>, tensor<?xi32>)
  return %d : tensor<?xi32>
}

// -----

func.func @unknown(%w: tensor<8xf32>, %one: tensor<f32>) -> tensor<8xf32> {
  // expected-error @+1 {{there is no function @g}}
  %l, %d = grad.vjp @g(%w) wrt = [0] cotangents(%one) of = [0]
     : (tensor<8xf32>), (tensor<f32>) -> (tensor<f32>, tensor<8xf32>)
  return %d : tensor<8xf32>
}

// -----

func.func @momentum(%p: tensor<8xf32>, %r: tensor<f64>) -> tensor<8xf32> {
  // expected-error @+1 {{momentum needs a slot}}
  %q = grad.sgd %p, %p rate(%r) step(%r) {momentum = 0.9 : f64} : tensor<8xf32>
  return %q : tensor<8xf32>
}

// -----

func.func @place(%p: tensor<8xf32>) -> tensor<8xf32> {
  // expected-error @+1 {{tensor at 4 of size 8 is not inside}}
  %q = grad.clip_norm %p {limit = 1.0 : f64, offsets = array<i64: 4>, sizes = array<i64: 8>} : tensor<8xf32>
  return %q : tensor<8xf32>
}
