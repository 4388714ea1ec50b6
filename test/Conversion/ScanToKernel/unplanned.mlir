// RUN: rnn-opt %s --convert-scan-to-kernel --verify-diagnostics
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

func.func @product(%x: tensor<?x8xf32>, %W: tensor<4x8xf32>) -> tensor<?x4xf32> {
  // expected-error @below {{'scan.dot' op has no schedules: kernel-select-schedule decides}}
  %0 = scan.dot %x, %W batch = [[], []] contract = [[1], [1]] : tensor<?x8xf32>, tensor<4x8xf32> -> tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}
