// RUN: rnn-opt %s --convert-scan-to-kernel --split-input-file --verify-diagnostics
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
