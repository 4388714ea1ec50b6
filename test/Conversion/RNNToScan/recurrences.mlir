// Scans and folds: directions, first states, phases of a body, fixed axes.
// RUN: rnn-opt %s --convert-rnn-to-scan | FileCheck %s
// RUN: rnn-opt %s --convert-rnn-to-scan | rnn-opt --canonicalize --cse | FileCheck %s --check-prefix=CLEAN

// CLEAN-NOT: rnn.

// A cell alone. Its first state h is 0 if the caller gives none, which zeros
// say as well; m is a parameter then, so `given.m` says whether it was given.
// CHECK-LABEL: func.func @cell.forward(
// CHECK-SAME: #rnnc.slot<state_in "h", ["batch", 4] optional>
// CHECK-SAME: #rnnc.slot<state_in "m"
// CHECK-SAME: %[[GIVEN:arg[0-9]+]]: tensor<i32> {rnnc.slot = #rnnc.slot<given "given.m", []>}
// CHECK-SAME: -> (tensor<?x?x4xf32> {rnnc.slot = #rnnc.slot<output "out"
// CHECK-SAME: #rnnc.slot<state_out "state.h"
// CHECK:   arith.cmpi ne, %[[GIVEN]]
// CHECK:   %[[M:.*]] = arith.select
// CHECK:   scan.loop {{.*}} carry(%{{.*}} = %{{.*}}, %{{.*}} = %[[M]]
// CHECK-LABEL: func.func @cell.vjp(
// CHECK-SAME: #rnnc.slot<cot "cot.out", ["batch", "T", 4] optional>
// CHECK-SAME: #rnnc.slot<{{[a-z_]+}} "cot.state.h"
// CHECK-SAME: #rnnc.slot<grad "grad.x", ["batch", "T", 4]>
// CHECK-SAME: #rnnc.slot<{{[a-z_]+}} "grad.h"
// CHECK-SAME: #rnnc.slot<grad "grad.m", ["batch", 4]>
// CHECK-SAME: #rnnc.slot<{{[a-z_]+}} "grad.m0"
// CHECK:   grad.vjp @cell.objective({{.*}}) wrt = [2, 3, 4, 0] cotangents({{.*}}) of = [0, 1, 2]
// CHECK-LABEL: func.func @cell.step(
// CHECK-SAME: tensor<?x4xf32> {rnnc.slot = #rnnc.slot<input "x", ["batch", 4]>}
// CHECK-SAME: -> (tensor<?x4xf32> {rnnc.slot = #rnnc.slot<{{[a-z_]+}} "out"
// CHECK-NOT: scan.loop
// CHECK:   return
rnn.module @cell attributes {kind = "cell", source = "cell", train = {}, exports = [], axes = {}} {
  %m0 = rnn.param "m0" {init = {kind = "constant", value = 0.0}} : !rnn.value<["H" : 4] real>
  %x = rnn.input "x" : !rnn.value<["T", "H" : 4] real>
  %zero = rnn.constant 0.0 : !rnn.value<["H" : 4] real>
  %h0 = rnn.first_state "h" %zero : !rnn.value<["H" : 4] real>
  %m1 = rnn.first_state "m" %m0 : !rnn.value<["H" : 4] real>
  %ys, %hT, %mT = rnn.scan #rnn.axis<"T"> over(%x : !rnn.value<["T", "H" : 4] real>)
      init(%h0, %m1 : !rnn.value<["H" : 4] real>, !rnn.value<["H" : 4] real>) states = ["h", "m"] {
  ^bb0(%e: !rnn.value<["H" : 4] real>, %h: !rnn.value<["H" : 4] real>, %m: !rnn.value<["H" : 4] real>):
    %n = rnn.binary add %e, %h : !rnn.value<["H" : 4] real>, !rnn.value<["H" : 4] real>
    %p = rnn.binary mul %n, %m : !rnn.value<["H" : 4] real>, !rnn.value<["H" : 4] real>
    rnn.yield next(%n, %p : !rnn.value<["H" : 4] real>, !rnn.value<["H" : 4] real>) out(%p : !rnn.value<["H" : 4] real>)
  } -> (!rnn.value<["T", "H" : 4] real>)
  rnn.result "out" %ys : !rnn.value<["T", "H" : 4] real>
  rnn.final_state "h" %hT : !rnn.value<["H" : 4] real>
  rnn.final_state "m" %mT : !rnn.value<["H" : 4] real>
}

// Both directions. tanh(b) is the same in every step: before the loop.
// `bptt` without `carry` marks the loops of the objective only.
// CHECK-LABEL: func.func private @both.objective(
// CHECK:   %[[INV:.*]] = math.tanh %arg0
// CHECK:   scan.loop {{.*}} {
// CHECK-NOT: math.tanh
// CHECK:   } -> tensor<?x4xf32> {segment = 5 : i64}
// CHECK:   scan.loop {{.*}} reverse
// CHECK-LABEL: func.func @both.loss(
// CHECK-NOT: segment
// CHECK-LABEL: func.func @both.predict(
// CHECK-SAME: #rnnc.slot<output "y", ["batch"]>
// CHECK-SAME: #rnnc.slot<probability "y.p", ["batch"]>
// CHECK:   scan.sigmoid
// CHECK-NOT: @both.step
rnn.module @both attributes {kind = "model", source = "both", train = {bptt = {carry = false, steps = 5 : i64}}, exports = [], axes = {}} {
  %b = rnn.param "b" {init = {kind = "constant", value = 0.0}} : !rnn.value<["H" : 4] real>
  %x = rnn.input "x" : !rnn.value<["T", "H" : 4] real>
  %y = rnn.output "y" : !rnn.value<[] bit>
  %h0 = rnn.constant 0.0 : !rnn.value<["H" : 4] real>
  %f = rnn.scan #rnn.axis<"T"> over(%x : !rnn.value<["T", "H" : 4] real>)
      init(%h0 : !rnn.value<["H" : 4] real>) states = ["fw.h"] {
  ^bb0(%e: !rnn.value<["H" : 4] real>, %h: !rnn.value<["H" : 4] real>):
    %tb = rnn.unary tanh %b : !rnn.value<["H" : 4] real>
    %n = rnn.binary add %e, %tb : !rnn.value<["H" : 4] real>, !rnn.value<["H" : 4] real>
    %p = rnn.binary mul %n, %h : !rnn.value<["H" : 4] real>, !rnn.value<["H" : 4] real>
    rnn.yield next(%p : !rnn.value<["H" : 4] real>)
  } -> ()
  %g = rnn.scan #rnn.axis<"T"> over(%x : !rnn.value<["T", "H" : 4] real>)
      init(%h0 : !rnn.value<["H" : 4] real>) states = ["bw.h"] reverse {
  ^bb0(%e: !rnn.value<["H" : 4] real>, %h: !rnn.value<["H" : 4] real>):
    %n = rnn.binary add %e, %h : !rnn.value<["H" : 4] real>, !rnn.value<["H" : 4] real>
    rnn.yield next(%n : !rnn.value<["H" : 4] real>)
  } -> ()
  %s = rnn.match %f, %g : !rnn.value<["H" : 4] real>, !rnn.value<["H" : 4] real>
  %d = rnn.dist bernoulli(%s : !rnn.value<[] real>) : !rnn.dist<bernoulli, !rnn.value<[] bit>>
  rnn.observe "y" %y, %d : !rnn.value<[] bit>, !rnn.dist<bernoulli, !rnn.value<[] bit>>
}

// A scan over a fixed axis: no lengths, a constant number of steps.
// CHECK-LABEL: func.func @fixed.forward(
// CHECK:   %[[X:.*]] = scan.transpose %arg0 perm = [1, 0, 2] : tensor<?x5x4xf32> -> tensor<5x?x4xf32>
// CHECK:   scan.loop trip(%c5) slices(%{{.*}} = %[[X]] : tensor<5x?x4xf32>)
// CHECK:   } -> (tensor<5x?x4xf32>, tensor<?x4xf32>)
// CHECK:   scan.transpose %{{.*}} perm = [1, 0, 2] : tensor<5x?x4xf32> -> tensor<?x5x4xf32>
rnn.module @fixed attributes {kind = "layer", source = "fixed", train = {}, exports = [{function = "forward"}], axes = {}} {
  %x = rnn.input "x" : !rnn.value<["R" : 5, "H" : 4] real>
  %h0 = rnn.constant 0.0 : !rnn.value<["H" : 4] real>
  %ys, %f = rnn.scan #rnn.axis<"R" : 5> over(%x : !rnn.value<["R" : 5, "H" : 4] real>)
      init(%h0 : !rnn.value<["H" : 4] real>) states = ["h"] {
  ^bb0(%e: !rnn.value<["H" : 4] real>, %h: !rnn.value<["H" : 4] real>):
    %n = rnn.binary add %e, %h : !rnn.value<["H" : 4] real>, !rnn.value<["H" : 4] real>
    rnn.yield next(%n : !rnn.value<["H" : 4] real>) out(%n : !rnn.value<["H" : 4] real>)
  } -> (!rnn.value<["R" : 5, "H" : 4] real>)
  rnn.result "out" %ys : !rnn.value<["R" : 5, "H" : 4] real>
}

// Attention inside a loop: the binder over S is a dimension in front of the
// batch, and sees each example's own part of S.
// CHECK-LABEL: func.func @attend.forward(
// CHECK-SAME: %[[S:arg[0-9]+]]: tensor<?xi32> {rnnc.slot = #rnnc.slot<{{[a-z_]+}} "S"
// CHECK:   scan.loop
// CHECK:     %[[SCORE:.*]] = scan.dot {{.*}} batch = {{\[\[}}1], [0]] {{.*}} -> tensor<?x?xf32>
// CHECK:     scan.mask {{.*}} lengths(%[[S]]) {batch_dim = 1 : i64, fill = 0xFFF0000000000000 : f64, time_dim = 0 : i64}
// CHECK:     scan.mask {{.*}} lengths(%[[S]]) {batch_dim = 1 : i64, time_dim = 0 : i64} : tensor<?x?x4xf32>
// CHECK:     scan.reduce {{ *}}sum {{.*}} dims = [0] : tensor<?x?x4xf32> -> tensor<?x4xf32>
rnn.module @attend attributes {kind = "layer", source = "attend", train = {}, exports = [], axes = {}} {
  %x = rnn.input "x" : !rnn.value<["T", "H" : 4] real>
  %mem = rnn.input "mem" : !rnn.value<["S", "H" : 4] real>
  %h0 = rnn.constant 0.0 : !rnn.value<["H" : 4] real>
  %ys, %f = rnn.scan #rnn.axis<"T"> over(%x : !rnn.value<["T", "H" : 4] real>)
      init(%h0 : !rnn.value<["H" : 4] real>) states = ["h"] {
  ^bb0(%e: !rnn.value<["H" : 4] real>, %h: !rnn.value<["H" : 4] real>):
    %a = rnn.bind softmax #rnn.axis<"S"> {
    ^bb0(%s: !rnn.value<[] index "S">):
      %k = rnn.lookup %mem[%s] : !rnn.value<["S", "H" : 4] real>, !rnn.value<[] index "S">
      %q = rnn.match %k, %h : !rnn.value<["H" : 4] real>, !rnn.value<["H" : 4] real>
      rnn.yield out(%q : !rnn.value<[] real>)
    } : !rnn.value<["S"] real>
    %c = rnn.bind sum #rnn.axis<"S"> {
    ^bb0(%s: !rnn.value<[] index "S">):
      %w = rnn.lookup %a[%s] : !rnn.value<["S"] real>, !rnn.value<[] index "S">
      %k = rnn.lookup %mem[%s] : !rnn.value<["S", "H" : 4] real>, !rnn.value<[] index "S">
      %p = rnn.binary mul %w, %k : !rnn.value<[] real>, !rnn.value<["H" : 4] real>
      rnn.yield out(%p : !rnn.value<["H" : 4] real>)
    } : !rnn.value<["H" : 4] real>
    %n = rnn.binary add %e, %c : !rnn.value<["H" : 4] real>, !rnn.value<["H" : 4] real>
    rnn.yield next(%n : !rnn.value<["H" : 4] real>) out(%n : !rnn.value<["H" : 4] real>)
  } -> (!rnn.value<["T", "H" : 4] real>)
  rnn.result "out" %ys : !rnn.value<["T", "H" : 4] real>
}

// Step by step: what a fold makes of what it has seen so far.
// CHECK-LABEL: func.func @seen.step(
// CHECK-SAME: %[[W:arg0]]: tensor<4xf32>
// CHECK-SAME: #rnnc.slot<input "x", ["batch", 4]>
// CHECK-SAME: #rnnc.slot<state_in "net.h", ["batch", 4]>
// CHECK-SAME: #rnnc.slot<{{[a-z_]+}} "reset"
// CHECK-SAME: -> (tensor<?xf32> {rnnc.slot = #rnnc.slot<output "y", ["batch"]>}
// CHECK-SAME: #rnnc.slot<state_out "state.net.h"
// CHECK:   %[[H:.*]] = arith.select
// CHECK:   %[[N:.*]] = arith.addf %arg1, %[[H]]
// CHECK:   scan.dot %[[N]], %[[W]]
rnn.module @seen attributes {kind = "model", source = "seen", train = {per = "example"}, exports = [{function = "step"}], axes = {}} {
  %w = rnn.param "w" {init = {kind = "glorot"}} : !rnn.value<["H" : 4] real>
  %x = rnn.input "x" : !rnn.value<["T", "H" : 4] real>
  %y = rnn.output "y" : !rnn.value<[] real>
  %h0 = rnn.constant 0.0 : !rnn.value<["H" : 4] real>
  %hs, %f = rnn.scan #rnn.axis<"T"> over(%x : !rnn.value<["T", "H" : 4] real>)
      init(%h0 : !rnn.value<["H" : 4] real>) states = ["net.h"] {
  ^bb0(%e: !rnn.value<["H" : 4] real>, %h: !rnn.value<["H" : 4] real>):
    %n = rnn.binary add %e, %h : !rnn.value<["H" : 4] real>, !rnn.value<["H" : 4] real>
    rnn.yield next(%n : !rnn.value<["H" : 4] real>) out(%n : !rnn.value<["H" : 4] real>)
  } -> (!rnn.value<["T", "H" : 4] real>)
  %l = rnn.sequence last %hs : !rnn.value<["T", "H" : 4] real>
  %m = rnn.match %w, %l : !rnn.value<["H" : 4] real>, !rnn.value<["H" : 4] real>
  %one = rnn.constant 1.0 : !rnn.value<[] real>
  %d = rnn.dist normal(%m, %one : !rnn.value<[] real>, !rnn.value<[] real>) : !rnn.dist<normal, !rnn.value<[] real>>
  rnn.observe "y" %y, %d : !rnn.value<[] real>, !rnn.dist<normal, !rnn.value<[] real>>
}

// Two layers with dropout between them: a loop each, and one product for all
// steps between the loops. The numbers are those of the steps.
// CHECK-LABEL: func.func private @stack.objective(
// CHECK:   %[[A:.*]] = scan.dot {{.*}} -> tensor<?x?x4xf32>
// CHECK:   %[[L1:.*]]:2 = scan.loop {{.*}} slices(%{{.*}} = %[[A]] :
// CHECK-COUNT-1: scan.dot
// CHECK:   scan.random {{.*}} {batch_dim = 1 : i64, site = 0 : i64, time_dim = 0 : i64}
// CHECK:   arith.mulf %[[L1]]#0
// CHECK:   %[[B:.*]] = scan.dot {{.*}} -> tensor<?x?x4xf32>
// CHECK:   %[[L2:.*]]:2 = scan.loop {{.*}} slices(%{{.*}} = %[[B]] :
// CHECK-COUNT-1: scan.dot
// CHECK:   scan.yield
// CHECK:   scan.leave %[[L2]]#0
rnn.module @stack attributes {kind = "cell", source = "stack", train = {}, exports = [{function = "vjp"}], axes = {}} {
  %W = rnn.param "0.W" {init = {kind = "glorot"}} : !rnn.value<["H" : 4, "H" : 4] real>
  %V = rnn.param "2.W" {init = {kind = "glorot"}} : !rnn.value<["H" : 4, "H" : 4] real>
  %x = rnn.input "x" : !rnn.value<["T", "H" : 4] real>
  %zero = rnn.constant 0.0 : !rnn.value<["H" : 4] real>
  %ys, %gT, %hT = rnn.scan #rnn.axis<"T"> over(%x : !rnn.value<["T", "H" : 4] real>)
      init(%zero, %zero : !rnn.value<["H" : 4] real>, !rnn.value<["H" : 4] real>) states = ["0.h", "2.h"] {
  ^bb0(%e: !rnn.value<["H" : 4] real>, %g: !rnn.value<["H" : 4] real>, %h: !rnn.value<["H" : 4] real>):
    %0 = rnn.match %W, %e : !rnn.value<["H" : 4, "H" : 4] real>, !rnn.value<["H" : 4] real>
    %1 = rnn.match %W, %g : !rnn.value<["H" : 4, "H" : 4] real>, !rnn.value<["H" : 4] real>
    %2 = rnn.binary add %0, %1 : !rnn.value<["H" : 4] real>, !rnn.value<["H" : 4] real>
    %3 = rnn.dropout %2 p 0.5 site 0 : !rnn.value<["H" : 4] real>
    %4 = rnn.match %V, %3 : !rnn.value<["H" : 4, "H" : 4] real>, !rnn.value<["H" : 4] real>
    %5 = rnn.match %V, %h : !rnn.value<["H" : 4, "H" : 4] real>, !rnn.value<["H" : 4] real>
    %6 = rnn.binary add %4, %5 : !rnn.value<["H" : 4] real>, !rnn.value<["H" : 4] real>
    rnn.yield next(%2, %6 : !rnn.value<["H" : 4] real>, !rnn.value<["H" : 4] real>) out(%6 : !rnn.value<["H" : 4] real>)
  } -> (!rnn.value<["T", "H" : 4] real>)
  rnn.result "out" %ys : !rnn.value<["T", "H" : 4] real>
}
