// RUN: rnn-opt %s --kernel-select-schedule=targets=v3 --convert-scan-to-kernel --split-input-file --verify-diagnostics
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

func.func @pointwise(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @below {{'math.tanh' op is in no phase; --kernel-form-phases comes first}}
  %t = math.tanh %x : tensor<?x4xf32>
  return %t : tensor<?x4xf32>
}

// -----

func.func @reduced(%x: tensor<?x4xf32>) -> tensor<?xf32> {
  // expected-error @below {{'scan.reduce' op is in no phase}}
  %t = scan.reduce sum %x dims = [1] : tensor<?x4xf32> -> tensor<?xf32>
  return %t : tensor<?xf32>
}

// -----

func.func @other(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @below {{'tensor.cast' op has no form on buffers}}
  %t = tensor.cast %x : tensor<?x4xf32> to tensor<8x4xf32>
  %u = tensor.cast %t : tensor<8x4xf32> to tensor<?x4xf32>
  return %u : tensor<?x4xf32>
}

// -----

func.func @made(%x: tensor<?x?x3xf32>, %h0: tensor<?x3xf32>, %ws: tensor<?x3x3xf32>) -> tensor<?x3xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %T = tensor.dim %x, %c0 : tensor<?x?x3xf32>
  %n = tensor.dim %x, %c1 : tensor<?x?x3xf32>
  %h = scan.loop trip(%T) slices(%w = %ws : tensor<?x3x3xf32>) carry(%a = %h0 : tensor<?x3xf32>) step(%t) {
    %e = tensor.empty(%n) : tensor<?x3xf32>
    // expected-error @below {{has a right operand that cannot be packed before all loops}}
    %r = kernel.phase products(%a : tensor<?x3xf32>) with(%w : tensor<3x3xf32>) outs(%e : tensor<?x3xf32>)
        columns([array<i64: 0>]) maps([]) {
    ^bb0(%z: f32):
      kernel.yield %z : f32
    } -> tensor<?x3xf32>
    scan.yield carry(%r : tensor<?x3xf32>)
  } -> (tensor<?x3xf32>)
  return %h : tensor<?x3xf32>
}

// -----

func.func @fill(%v: tensor<1xf32>, %n: tensor<?x3xf32>) -> tensor<?x3xf32> {
  %c0 = arith.constant 0 : index
  %B = tensor.dim %n, %c0 : tensor<?x3xf32>
  %a = arith.constant 1.0 : f32
  %b = arith.addf %a, %a : f32
  %e = tensor.empty(%B) : tensor<?x3xf32>
  // expected-error @below {{fills with a number that is not known}}
  %f = linalg.fill ins(%b : f32) outs(%e : tensor<?x3xf32>) -> tensor<?x3xf32>
  return %f : tensor<?x3xf32>
}
