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

func.func @rows(%p: tensor<8xf32>) -> tensor<8xf32> {
  // expected-error @+1 {{rows of 3 do not divide 'tensor<8xf32>'}}
  %q = grad.clip_adaptive %p, %p {limit = 1.0 : f64, row = 3 : i64} : tensor<8xf32>
  return %q : tensor<8xf32>
}

// -----

func.func @limit(%p: tensor<8xf32>) -> tensor<8xf32> {
  // expected-error @+1 {{limit must not be negative}}
  %q = grad.clip_norm %p {limit = -1.0 : f64} : tensor<8xf32>
  return %q : tensor<8xf32>
}
