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

// -----

// Forward too, and inside of a loop.
func.func private @inside(%x: tensor<?x8xf32>, %h: tensor<8xf32>) -> tensor<8xf32> {
  %c0 = arith.constant 0 : index
  %T = tensor.dim %x, %c0 : tensor<?x8xf32>
  %r = scan.loop trip(%T) slices(%a = %x : tensor<?x8xf32>) carry(%b = %h : tensor<8xf32>) step(%t) {
    // expected-error @+1 {{no rule for the gradient of math.atan}}
    %0 = math.atan %a : tensor<8xf32>
    %1 = arith.mulf %0, %b : tensor<8xf32>
    scan.yield carry(%1 : tensor<8xf32>)
  } -> tensor<8xf32>
  return %r : tensor<8xf32>
}

func.func @jvp(%x: tensor<?x8xf32>, %h: tensor<8xf32>) -> tensor<8xf32> {
  %0:2 = grad.jvp @inside(%x, %h) wrt = [0] tangents(%x) of = [0]
     : (tensor<?x8xf32>, tensor<8xf32>), (tensor<?x8xf32>) -> (tensor<8xf32>, tensor<8xf32>)
  return %0#1 : tensor<8xf32>
}

// -----

func.func private @reversed(%x: tensor<?x8xf32>, %h: tensor<8xf32>) -> tensor<8xf32> {
  %c0 = arith.constant 0 : index
  %T = tensor.dim %x, %c0 : tensor<?x8xf32>
  %r = scan.loop trip(%T) slices(%a = %x : tensor<?x8xf32>) carry(%b = %h : tensor<8xf32>) step(%t) {
    // expected-error @+1 {{no rule for the gradient of math.atan}}
    %0 = math.atan %a : tensor<8xf32>
    %1 = arith.mulf %0, %b : tensor<8xf32>
    scan.yield carry(%1 : tensor<8xf32>)
  } -> tensor<8xf32>
  return %r : tensor<8xf32>
}

func.func @vjp(%x: tensor<?x8xf32>, %h: tensor<8xf32>) -> tensor<?x8xf32> {
  %0:2 = grad.vjp @reversed(%x, %h) wrt = [0] cotangents(%h) of = [0]
     : (tensor<?x8xf32>, tensor<8xf32>), (tensor<8xf32>) -> (tensor<8xf32>, tensor<?x8xf32>)
  return %0#1 : tensor<?x8xf32>
}

// -----

// Where no gradient passes, no rule is asked for.
func.func private @unused(%x: tensor<8xf32>, %y: tensor<8xf32>) -> tensor<8xf32> {
  %0 = math.atan %y : tensor<8xf32>
  %1 = arith.mulf %x, %0 : tensor<8xf32>
  return %1 : tensor<8xf32>
}

func.func @fine(%x: tensor<8xf32>) -> tensor<8xf32> {
  %0:2 = grad.vjp @unused(%x, %x) wrt = [0] cotangents(%x) of = [0]
     : (tensor<8xf32>, tensor<8xf32>), (tensor<8xf32>) -> (tensor<8xf32>, tensor<8xf32>)
  return %0#1 : tensor<8xf32>
}
