// RUN: rnn-opt %s -grad-generate -split-input-file -verify-diagnostics

func.func private @f(%x: tensor<8xf32>) -> tensor<8xf32> {
  // expected-error @+1 {{no rule for the gradient of math.atan}}
  %0 = math.atan %x : tensor<8xf32>
  return %0 : tensor<8xf32>
}

func.func @vjp(%x: tensor<8xf32>) -> tensor<8xf32> {
  %0:2 = grad.vjp @f(%x) wrt = [0] cotangents(%x) of = [0]
     : (tensor<8xf32>), (tensor<8xf32>) -> (tensor<8xf32>, tensor<8xf32>)
  return %0#1 : tensor<8xf32>
}

// -----

func.func @self(%x: tensor<8xf32>) -> tensor<8xf32> {
  // expected-error @+1 {{a function asks for its own gradient}}
  %0:2 = grad.vjp @self(%x) wrt = [0] cotangents(%x) of = [0]
     : (tensor<8xf32>), (tensor<8xf32>) -> (tensor<8xf32>, tensor<8xf32>)
  return %0#1 : tensor<8xf32>
}
