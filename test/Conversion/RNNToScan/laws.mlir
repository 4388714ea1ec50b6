// Distributions that are written in the language: `logp` in the loss, `mode` in `predict`.
// RUN: rnn-opt %s --convert-rnn-to-scan --split-input-file --verify-diagnostics | FileCheck %s

// One number a row; every step of the data counts.
// CHECK-LABEL: func.func @path.loss(
// CHECK:   %[[T:.*]] = arith.sitofp %arg0
// CHECK:   %[[ROWS:.*]] = arith.mulf %{{.*}}, %[[T]]
// CHECK:   scan.reduce {{ *}}sum %[[ROWS]] dims = [0]
// CHECK-LABEL: func.func @path.predict(
// CHECK-SAME: #rnnc.slot<output "y", ["batch", "T"]>
// CHECK-NOT: "y.p"
// CHECK-NOT: func.func @path.step
!seq = !rnn.value<["T"] real>
!real = !rnn.value<[] real>
rnn.module @path attributes {kind = "model", source = "path", train = {}, exports = [], axes = {}} {
  %m = rnn.input "m" : !seq
  %y = rnn.output "y" : !seq
  %d = rnn.law "path"(%m : !seq) logp {
  ^bb0(%a: !seq, %b: !seq):
    %l = rnn.binary mul %a, %b : !seq, !seq
    %s = rnn.reduce_last sum %l : !seq
    rnn.yield out(%s : !real)
  } mode {
  ^bb0(%a: !seq):
    rnn.yield out(%a : !seq)
  } sample {
  } : !rnn.dist<law, !seq>
  rnn.observe "y" %y, %d : !seq, !rnn.dist<law, !seq>
}

// -----

// Without a mode there is nothing to predict; with draws at each step there is a step.
// CHECK-LABEL: func.func @flat.loss(
// CHECK-NOT: func.func @flat.predict
!seq = !rnn.value<["T"] real>
rnn.module @flat attributes {kind = "model", source = "flat", train = {}, exports = [], axes = {}} {
  %m = rnn.input "m" : !seq
  %y = rnn.output "y" : !seq
  %d = rnn.law "flat"(%m : !seq) logp {
  ^bb0(%a: !seq, %b: !seq):
    rnn.yield out(%a : !seq)
  } mode {
  } sample {
  } : !rnn.dist<law, !seq>
  rnn.observe "y" %y, %d : !seq, !rnn.dist<law, !seq>
}

// -----

// A draw of a whole sequence is not cut into chunks.
!seq = !rnn.value<["T"] real>
!real = !rnn.value<[] real>
rnn.module @chunks attributes {kind = "model", source = "chunks", train = {bptt = {carry = true, steps = 3 : i64}}, exports = [], axes = {}} {
  %m = rnn.input "m" : !seq
  %y = rnn.output "y" : !seq
  %d = rnn.law "path"(%m : !seq) logp {
  ^bb0(%a: !seq, %b: !seq):
    %s = rnn.reduce_last sum %b : !seq
    rnn.yield out(%s : !real)
  } mode {
  } sample {
  } : !rnn.dist<law, !seq>
  // expected-error @below {{[E423] `carry` is not possible here: `path` draws a whole sequence at once}}
  rnn.observe "y" %y, %d : !seq, !rnn.dist<law, !seq>
}
