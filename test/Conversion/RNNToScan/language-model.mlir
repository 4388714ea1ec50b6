// A language model in chunks: teacher forcing, states that go on, and the head
// after the loop.
// RUN: rnn-opt %s --convert-rnn-to-scan | FileCheck %s
// RUN: rnn-opt %s --convert-rnn-to-scan | rnn-opt | FileCheck %s --check-prefix=BACK

// RUN: rnn-opt %s --convert-rnn-to-scan=hoist=0 | FileCheck %s --check-prefix=INSIDE

// INSIDE: scan.loop
// INSIDE: scan.gather
// INSIDE-COUNT-2: scan.dot
// INSIDE: scan.yield

// BACK-COUNT-4: func.func

// CHECK: module attributes {rnnc.interface = #rnnc.interface<"f32"{{.*}}#rnnc.parameter<"lm.rnn.W" [4, 3] ["H", "E"] init = {kind = "glorot"}

// CHECK-LABEL: func.func private @LM.objective(
// CHECK-SAME: %[[EMB:arg[0-9]+]]: tensor<9x3xf32> {rnnc.slot = #rnnc.slot<param "lm.Emb", [9, 3]>}
// CHECK-SAME: %[[LEN:arg[0-9]+]]: tensor<?xi32> {rnnc.slot = #rnnc.slot<lengths "T"
// CHECK-SAME: %[[TEXT:arg[0-9]+]]: tensor<?x?xi32> {rnnc.slot = #rnnc.slot<input "text", ["batch", "T"]>}
// CHECK-SAME: %[[H:arg[0-9]+]]: tensor<?x4xf32> {rnnc.slot = #rnnc.slot<state_in "lm.rnn.h"
// CHECK-SAME: %[[PREV:arg[0-9]+]]: tensor<?xi32> {rnnc.slot = #rnnc.slot<prev "prev"
// CHECK-SAME: #rnnc.slot<reset
// CHECK-SAME: %[[SEED:arg[0-9]+]]: tensor<2xi64> {rnnc.slot = #rnnc.slot<seed "seed"
// CHECK-SAME: rnnc.function = #rnnc.function<"LM" "objective", ["batch", "T"]>
// CHECK:   %[[Y:.*]] = scan.enter %[[TEXT]] lengths(%[[LEN]])
// CHECK:   %[[FIRST:.*]] = arith.select %{{.*}}, %{{.*}}, %[[PREV]]
// CHECK:   %[[BEFORE:.*]] = scan.shift %[[Y]] fill(%[[FIRST]]
// CHECK:   %[[H0:.*]] = arith.select %{{.*}}, %{{.*}}, %[[H]]
// CHECK:   %[[E:.*]] = scan.gather %[[EMB]][%[[BEFORE]]]
// CHECK:   %[[X:.*]] = scan.dot %[[E]], {{.*}} -> tensor<?x?x4xf32>
// CHECK:   %[[HS:.*]]:2 = scan.loop trip(%{{.*}}) lengths(%[[LEN]]) slices(%{{.*}} = %[[X]] : tensor<?x?x4xf32>) carry(%{{.*}} = %[[H0]]
// CHECK-COUNT-1: scan.dot
// CHECK:     %[[N:.*]] = math.tanh
// CHECK-NEXT: scan.yield carry(%[[N]] : tensor<?x4xf32>) stack(%[[N]] : tensor<?x4xf32>)
// CHECK:   scan.random %[[SEED]] {{.*}} {batch_dim = 1 : i64, site = 0 : i64, time_dim = 0 : i64}
// CHECK:   %[[SCORES:.*]] = scan.dot {{.*}} -> tensor<?x?x9xf32>
// CHECK:   scan.reduce {{ *}}logsumexp %[[SCORES]] dims = [2]
// CHECK:   scan.gather %[[SCORES]][%[[Y]]] batch_dims = 2
// CHECK:   %[[NLL:.*]] = scan.mask {{.*}} : tensor<?x?xf32>
// CHECK:   scan.reduce {{ *}}sum %[[NLL]] dims = [0, 1]

// CHECK-LABEL: func.func @LM.grad(
// CHECK:   grad.vjp @LM.objective({{.*}}) wrt = [0, 1, 2, 3, 4] cotangents({{.*}}) of = [0]

// No dropout in the loss.
// CHECK-LABEL: func.func @LM.loss(
// CHECK-NOT: scan.random
// CHECK-LABEL: func.func @LM.step(
// CHECK-SAME: #rnnc.slot<prev "prev"
// CHECK-SAME: -> (tensor<?x9xf32> {rnnc.slot = #rnnc.slot<probability "text.p"
// CHECK-SAME: tensor<?x4xf32> {rnnc.slot = #rnnc.slot<state_out "state.lm.rnn.h"
// CHECK-NOT: scan.loop
// CHECK:   return

rnn.module @LM attributes {kind = "model", source = "LM", train = {bptt = {carry = true, steps = 20 : i64}}, exports = [], axes = {}} {
  %y = rnn.output "text" : !rnn.value<["T"] index "V" : 9>
  %Emb = rnn.param "lm.Emb" {init = {kind = "normal", mean = 0.0, std = 0.1}} : !rnn.value<["V" : 9, "E" : 3] real>
  %W = rnn.param "lm.rnn.W" {init = {kind = "glorot"}} : !rnn.value<["H" : 4, "E" : 3] real>
  %U = rnn.param "lm.rnn.U" {init = {kind = "orthogonal"}} : !rnn.value<["H" : 4, "H" : 4] real>
  %b = rnn.param "lm.rnn.b" {init = {kind = "constant", value = 0.0}} : !rnn.value<["H" : 4] real>
  %O = rnn.param "lm.head.W" {init = {kind = "glorot"}} : !rnn.value<["V" : 9, "H" : 4] real>
  %h0 = rnn.constant 0.0 : !rnn.value<["H" : 4] real>
  %d = rnn.unfold init(%h0 : !rnn.value<["H" : 4] real>) states = ["lm.rnn.h"] start = 0 {
  ^bb0(%prev: !rnn.value<[] index "V" : 9>, %h: !rnn.value<["H" : 4] real>):
    %x = rnn.lookup %Emb[%prev] : !rnn.value<["V" : 9, "E" : 3] real>, !rnn.value<[] index "V" : 9>
    %wx = rnn.match %W, %x : !rnn.value<["H" : 4, "E" : 3] real>, !rnn.value<["E" : 3] real>
    %uh = rnn.match %U, %h : !rnn.value<["H" : 4, "H" : 4] real>, !rnn.value<["H" : 4] real>
    %s = rnn.binary add %wx, %uh : !rnn.value<["H" : 4] real>, !rnn.value<["H" : 4] real>
    %z = rnn.binary add %s, %b : !rnn.value<["H" : 4] real>, !rnn.value<["H" : 4] real>
    %n = rnn.unary tanh %z : !rnn.value<["H" : 4] real>
    %r = rnn.dropout %n p 0.25 site 0 : !rnn.value<["H" : 4] real>
    %o = rnn.match %O, %r : !rnn.value<["V" : 9, "H" : 4] real>, !rnn.value<["H" : 4] real>
    %c = rnn.dist categorical(%o : !rnn.value<["V" : 9] real>) : !rnn.dist<categorical, !rnn.value<[] index "V" : 9>>
    rnn.yield next(%n : !rnn.value<["H" : 4] real>) out(%c : !rnn.dist<categorical, !rnn.value<[] index "V" : 9>>)
  } : !rnn.dist<unfold, !rnn.value<["T"] index "V" : 9>>
  rnn.observe "text" %y, %d : !rnn.value<["T"] index "V" : 9>, !rnn.dist<unfold, !rnn.value<["T"] index "V" : 9>>
}
