// RUN: rnn-opt %s --convert-rnn-to-scan | FileCheck %s
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Places of a time axis that are more than a look-up are counted in a loop,
// since how many there are is known when it runs.

// CHECK-LABEL: func.func @places.forward(
// CHECK: scan.loop trip(%{{.*}}) carry(%[[N:.*]] = %{{.*}} : tensor<i32>)
// CHECK: %[[NEXT:.*]] = arith.addi %[[N]], %{{.*}} : tensor<i32>
// CHECK: scan.yield carry(%[[NEXT]] : tensor<i32>) stack(%[[N]] : tensor<i32>)
// CHECK: -> (tensor<?xi32>, tensor<i32>)
rnn.module @places attributes {kind = "layer", source = "places", train = {}, exports = [{function = "forward"}], axes = {}} {
  %x = rnn.input "x" : !rnn.value<["T"] real>
  %r = rnn.bind for #rnn.axis<"T"> {
  ^bb0(%i: !rnn.value<[] index "T">):
    %c = rnn.compare eq %i, %i : !rnn.value<[] index "T">, !rnn.value<[] index "T">
    rnn.yield out(%c : !rnn.value<[] bit>)
  } : !rnn.value<["T"] bit>
  rnn.result "out" %r : !rnn.value<["T"] bit>
}
