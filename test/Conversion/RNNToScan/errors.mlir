// What cannot be lowered is said with its place.
// RUN: rnn-opt %s --convert-rnn-to-scan --split-input-file --verify-diagnostics

rnn.module @backward attributes {kind = "cell", source = "backward", train = {}, exports = [{function = "step"}], axes = {}} {
  %x = rnn.input "x" : !rnn.value<["T"] real>
  %h0 = rnn.constant 0.0 : !rnn.value<[] real>
  // expected-error @below {{[E404] `step` is not possible for this module: it runs backward over a time axis}}
  %ys, %f = rnn.scan #rnn.axis<"T"> over(%x : !rnn.value<["T"] real>)
      init(%h0 : !rnn.value<[] real>) states = ["h"] reverse {
  ^bb0(%e: !rnn.value<[] real>, %h: !rnn.value<[] real>):
    %n = rnn.binary add %e, %h : !rnn.value<[] real>, !rnn.value<[] real>
    rnn.yield next(%n : !rnn.value<[] real>) out(%n : !rnn.value<[] real>)
  } -> (!rnn.value<["T"] real>)
  rnn.result "out" %ys : !rnn.value<["T"] real>
}

// -----

rnn.module @total attributes {kind = "model", source = "total", train = {}, exports = [{function = "step"}], axes = {}} {
  %x = rnn.input "x" : !rnn.value<["T"] real>
  %y = rnn.output "y" : !rnn.value<[] bit>
  // expected-error @below {{[E404] `step` is not possible for this module: it reduces over a time axis}}
  %s = rnn.reduce_last sum %x : !rnn.value<["T"] real>
  %d = rnn.dist bernoulli(%s : !rnn.value<[] real>) : !rnn.dist<bernoulli, !rnn.value<[] bit>>
  rnn.observe "y" %y, %d : !rnn.value<[] bit>, !rnn.dist<bernoulli, !rnn.value<[] bit>>
}

// -----

rnn.module @chunks attributes {kind = "model", source = "chunks", train = {bptt = {carry = true, steps = 3 : i64}}, exports = [], axes = {}} {
  %x = rnn.input "x" : !rnn.value<["T"] real>
  %k = rnn.constant 0.0 : !rnn.value<[] real>
  // expected-error @below {{[E423] `carry` is not possible here: `shift` would need the step before the chunk}}
  %s = rnn.sequence shift %x fill %k : !rnn.value<[] real> : !rnn.value<["T"] real>
  %t = rnn.reduce_last sum %s : !rnn.value<["T"] real>
  rnn.loss %t : !rnn.value<[] real>
}

// -----

rnn.module @nested attributes {kind = "layer", source = "nested", train = {}, exports = [], axes = {}} {
  %x = rnn.input "x" : !rnn.value<["T", "L"] real>
  // expected-error @below {{[E139] `L` has a length of its own for each element of `T`: its elements cannot be moved or taken out}}
  %y = rnn.sequence reverse %x : !rnn.value<["T", "L"] real>
  %r = rnn.reduce_last sum %y : !rnn.value<["T", "L"] real>
  rnn.result "out" %r : !rnn.value<["T"] real>
}

// -----

// expected-error @below {{[E404] `predict` is not possible for this module: no output follows from the inputs alone}}
rnn.module @nothing attributes {kind = "model", source = "nothing", train = {}, exports = [{function = "predict"}], axes = {}} {
  %x = rnn.input "x" : !rnn.value<["T"] real>
  %t = rnn.reduce_last sum %x : !rnn.value<["T"] real>
  rnn.loss %t : !rnn.value<[] real>
}

// -----

rnn.module @own attributes {kind = "model", source = "own", train = {feed = ["sampled", 0.5]}, exports = [], axes = {}} {
  %y = rnn.output "y" : !rnn.value<["T"] real>
  %z = rnn.constant 0.0 : !rnn.value<[] real>
  // expected-error @below {{[E321] `feed sampled` cannot draw from `near`: it has no line `sample = ...`}}
  %d = rnn.unfold states = [] first(%z : !rnn.value<[] real>) {
  ^bb0(%before: !rnn.value<[] real>):
    %p = rnn.law "near"(%before : !rnn.value<[] real>) logp {
    ^bb0(%m: !rnn.value<[] real>, %x: !rnn.value<[] real>):
      %l = rnn.binary sub %m, %x : !rnn.value<[] real>, !rnn.value<[] real>
      rnn.yield out(%l : !rnn.value<[] real>)
    } mode {
    } sample {
    } : <law, <[] real>>
    rnn.yield out(%p : !rnn.dist<law, !rnn.value<[] real>>)
  } : <unfold, <["T"] real>>
  rnn.observe "y" %y, %d : !rnn.value<["T"] real>, !rnn.dist<unfold, !rnn.value<["T"] real>>
}
