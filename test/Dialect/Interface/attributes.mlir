// Every attribute is printed as it is read.
// RUN: rnn-opt %s | FileCheck %s
// RUN: rnn-opt %s | rnn-opt | FileCheck %s
// RUN: rnn-opt %s --mlir-print-op-generic | rnn-opt | FileCheck %s
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// CHECK: module attributes {rnnc.interface = #rnnc.interface<"f32" [#rnnc.module<"LM" "model" "lm", parameters =
// CHECK-SAME: [#rnnc.parameter<"rnn.U" [4, 8, 8] ["gate", "H", "H"] init = {kind = "orthogonal"} offset = 256>, #rnnc.parameter<"b" [] [] init = {} frozen = true offset = 0>]
// CHECK-SAME: inputs = [#rnnc.port<"x" "real" ["T", "I"] ["T", 2]>]
// CHECK-SAME: outputs = [#rnnc.port<"y" "index" ["T"] ["T"] in "K" 5 : i64 predicted {distribution = "categorical"}>]
// CHECK-SAME: states = [#rnnc.port<"rnn.h" "real" ["H"] [8]>], exports = [{function = "loss"}], settings = {times = ["T"]}>]>}
module attributes {rnnc.interface = #rnnc.interface<"f32" [#rnnc.module<"LM" "model" "lm",
    parameters = [#rnnc.parameter<"rnn.U" [4, 8, 8] ["gate", "H", "H"] init = {kind = "orthogonal"} offset = 256>,
                  #rnnc.parameter<"b" [] [] init = {} frozen = true offset = 0>],
    inputs = [#rnnc.port<"x" "real" ["T", "I"] ["T", 2]>],
    outputs = [#rnnc.port<"y" "index" ["T"] ["T"] in "K" 5 predicted {distribution = "categorical"}>],
    states = [#rnnc.port<"rnn.h" "real" ["H"] [8]>],
    exports = [{function = "loss"}], settings = {times = ["T"]}>]>} {
  // CHECK: func.func @LM.loss(
  // CHECK-SAME: tensor<4x8x8xf32> {rnnc.slot = #rnnc.slot<param "rnn.U", [4, 8, 8]>}
  // CHECK-SAME: tensor<?xi32> {rnnc.slot = #rnnc.slot<lengths "T", ["batch"] optional>}
  // CHECK-SAME: tensor<?xi8> {rnnc.slot = #rnnc.slot<workspace "">}
  // CHECK-SAME: -> (tensor<f32> {rnnc.slot = #rnnc.slot<loss "loss", []>})
  // CHECK-SAME: attributes {rnnc.function = #rnnc.function<"LM" "loss", ["batch", "T"]>}
  func.func @LM.loss(%U: tensor<4x8x8xf32> {rnnc.slot = #rnnc.slot<param "rnn.U", [4, 8, 8]>},
                     %T: tensor<?xi32> {rnnc.slot = #rnnc.slot<lengths "T", ["batch"] optional>},
                     %w: tensor<?xi8> {rnnc.slot = #rnnc.slot<workspace "">})
      -> (tensor<f32> {rnnc.slot = #rnnc.slot<loss "loss", []>})
      attributes {rnnc.function = #rnnc.function<"LM" "loss", ["batch", "T"]>} {
    %0 = arith.constant dense<0.0> : tensor<f32>
    return %0 : tensor<f32>
  }
  // CHECK: func.func private @LM.prepare() attributes {rnnc.function = #rnnc.function<"LM" "prepare">}
  func.func private @LM.prepare() attributes {rnnc.function = #rnnc.function<"LM" "prepare">}
}
