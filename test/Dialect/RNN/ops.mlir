// Every op of the dialect is read back as it was printed.
// RUN: rnn-opt %s | FileCheck %s
// RUN: rnn-opt %s | rnn-opt | FileCheck %s

!real = !rnn.value<[] real>
!seq = !rnn.value<["T"] real>
!word = !rnn.value<[] index "V" : 5>

// CHECK-LABEL: rnn.module @M attributes
rnn.module @M attributes {kind = "model", source = "M", train = {batch = 4}, exports = [], axes = {}} {
  // CHECK: rnn.param "W" {init = {kind = "glorot"}} : <["gate" : 4, "H" : 8] real>
  %W = rnn.param "W" {init = {kind = "glorot"}} : !rnn.value<["gate" : 4, "H" : 8] real>
  // CHECK: rnn.param "b" {frozen, init = {kind = "constant", value = 1.000000e+00 : f64}}
  %b = rnn.param "b" {frozen, init = {kind = "constant", value = 1.0}} : !rnn.value<["H" : 8] real>
  %x = rnn.input "x" : !rnn.value<["T", "H" : 8] real>
  %i = rnn.input "i" : !rnn.value<["T"] index "V" : 5>
  %y = rnn.output "y" : !rnn.value<["T"] index "H" : 8>
  %text = rnn.output "text" : !rnn.value<["S"] index "V" : 5>
  // CHECK: rnn.label %{{.*}} axis 0 label 2 : <["gate" : 4, "H" : 8] real>
  %Wi = rnn.label %W axis 0 label 2 : !rnn.value<["gate" : 4, "H" : 8] real>
  // CHECK: rnn.binary mul %{{.*}}, %{{.*}} : <["T", "H" : 8] real>, <["H" : 8] real>
  %z = rnn.binary mul %x, %Wi : !rnn.value<["T", "H" : 8] real>, !rnn.value<["H" : 8] real>
  %d = rnn.dropout %z p 0.5 site 0 tied <"T"> : !rnn.value<["T", "H" : 8] real>
  %u = rnn.unary tanh %d : !rnn.value<["T", "H" : 8] real>
  %h0 = rnn.constant 0.0 : !rnn.value<["H" : 8] real>
  // CHECK: rnn.scan <"T"> over(%{{.*}} : !rnn.value<["T", "H" : 8] real>) init(%{{.*}} : !rnn.value<["H" : 8] real>) states = ["h"] reverse {
  %hs:2 = rnn.scan <"T"> over(%u : !rnn.value<["T", "H" : 8] real>)
      init(%h0 : !rnn.value<["H" : 8] real>) states = ["h"] reverse {
  ^bb0(%e: !rnn.value<["H" : 8] real>, %h: !rnn.value<["H" : 8] real>):
    %n = rnn.binary add %e, %h : !rnn.value<["H" : 8] real>, !rnn.value<["H" : 8] real>
    // CHECK: rnn.yield next(%{{.*}} : !rnn.value<["H" : 8] real>) out(
    rnn.yield next(%n : !rnn.value<["H" : 8] real>) out(%n : !rnn.value<["H" : 8] real>)
  // CHECK: } -> (!rnn.value<["T", "H" : 8] real>)
  } -> (!rnn.value<["T", "H" : 8] real>)
  %dist = rnn.dist categorical(%hs#0 : !rnn.value<["T", "H" : 8] real>) {smooth = 0.1}
      : <categorical, <["T"] index "H" : 8>>
  // CHECK: rnn.observe "y"
  rnn.observe "y" %y, %dist : !rnn.value<["T"] index "H" : 8>, <categorical, <["T"] index "H" : 8>>
  // CHECK: rnn.bind sum <"T"> {
  %s = rnn.bind sum <"T"> {
  ^bb0(%t: !rnn.value<[] index "T">):
    %xt = rnn.lookup %x[%t] : !rnn.value<["T", "H" : 8] real>, !rnn.value<[] index "T">
    %m = rnn.match %xt, %b : !rnn.value<["H" : 8] real>, !rnn.value<["H" : 8] real>
    rnn.yield out(%m : !real)
  } : !real
  // CHECK: rnn.unfold states = [] start = 0 stop = 2 max = 10 {
  %u2 = rnn.unfold states = [] start = 0 stop = 2 max = 10 {
  ^bb0(%prev: !word):
    %o = rnn.onehot %prev : !word
    %p = rnn.dist categorical(%o : !rnn.value<["V" : 5] real>) : <categorical, !word>
    rnn.yield out(%p : !rnn.dist<categorical, !word>)
  } : <unfold, <["S"] index "V" : 5>>
  rnn.observe "text" %text, %u2 : !rnn.value<["S"] index "V" : 5>, <unfold, <["S"] index "V" : 5>>
  // CHECK: rnn.unfold over(%{{.*}} : !rnn.value<["T", "H" : 8] real>) init(%{{.*}} : !rnn.value<["H" : 8] real>) states = ["g"] first(%{{.*}} : !rnn.value<["H" : 8] real>) {
  // CHECK: } : <unfold, <["T", "H" : 8] real>> finals(!rnn.value<["H" : 8] real>)
  %z0 = rnn.constant 0.0 : !rnn.value<["H" : 8] real>
  %u3, %last = rnn.unfold over(%x : !rnn.value<["T", "H" : 8] real>) init(%z0 : !rnn.value<["H" : 8] real>) states = ["g"] first(%z0 : !rnn.value<["H" : 8] real>) {
  ^bb0(%before: !rnn.value<["H" : 8] real>, %in: !rnn.value<["H" : 8] real>, %g: !rnn.value<["H" : 8] real>):
    %g1 = rnn.binary add %g, %in : !rnn.value<["H" : 8] real>, !rnn.value<["H" : 8] real>
    %p = rnn.dist normal(%before, %g1 : !rnn.value<["H" : 8] real>, !rnn.value<["H" : 8] real>) : <normal, <["H" : 8] real>>
    rnn.yield next(%g1 : !rnn.value<["H" : 8] real>) out(%p : !rnn.dist<normal, <["H" : 8] real>>)
  } : <unfold, <["T", "H" : 8] real>> finals(!rnn.value<["H" : 8] real>)
  rnn.observe "next" %x, %u3 : !rnn.value<["T", "H" : 8] real>, <unfold, <["T", "H" : 8] real>>
  %l = rnn.sequence last %x : !rnn.value<["T", "H" : 8] real>
  %k = rnn.constant 0.0 : !word
  %sh = rnn.sequence shift %i fill %k : !word : !rnn.value<["T"] index "V" : 5>
  %sm = rnn.reduce_last layer_norm %l : !rnn.value<["H" : 8] real>
  %j = rnn.join %l, %sm : !rnn.value<["H" : 8] real>, !rnn.value<["H" : 8] real> -> !rnn.value<["2*H" : 16] real>
  %c = rnn.compare lt %l, %sm : !rnn.value<["H" : 8] real>, !rnn.value<["H" : 8] real>
  %sel = rnn.select %c, %l, %sm : !rnn.value<["H" : 8] bit>, !rnn.value<["H" : 8] real>, !rnn.value<["H" : 8] real>
  // CHECK: rnn.table [1.000000e+00, 2.000000e+00] : <["2" : 2] real>
  %ta = rnn.table [1.0, 2.0] : !rnn.value<["2" : 2] real>
  // CHECK: rnn.list %{{.*}}, %{{.*}} : {{.*}} -> <["2" : 2, "H" : 8] real>
  %li = rnn.list %l, %sm : !rnn.value<["H" : 8] real>, !rnn.value<["H" : 8] real> -> !rnn.value<["2" : 2, "H" : 8] real>
  // CHECK: rnn.slice %{{.*}} from 2 : <["H" : 8] real> -> <["3" : 3] real>
  %sl = rnn.slice %l from 2 : !rnn.value<["H" : 8] real> -> !rnn.value<["3" : 3] real>
  // CHECK: rnn.as %{{.*}} : <["H" : 8] real> -> <["2" : 2, "4" : 4] real>
  %sp = rnn.as %l : !rnn.value<["H" : 8] real> -> !rnn.value<["2" : 2, "4" : 4] real>
  // CHECK: rnn.noise %{{.*}} uniform %{{.*}}, %{{.*}} site 3
  %nz = rnn.noise %l uniform %l, %sm site 3 : !rnn.value<["H" : 8] real>, !rnn.value<["H" : 8] real>, !rnn.value<["H" : 8] real>
  // CHECK: rnn.logic or
  %lo = rnn.logic or %c, %c : !rnn.value<["H" : 8] bit>, !rnn.value<["H" : 8] bit>
  // CHECK: rnn.not
  %no = rnn.not %lo : !rnn.value<["H" : 8] bit>
  // CHECK: rnn.sequence cumsum
  %cu = rnn.sequence cumsum %l : !rnn.value<["H" : 8] real>
  %tr = rnn.to_real %c : !rnn.value<["H" : 8] bit>
  %one = rnn.constant 1.0 : !real
  %cl = rnn.clamp %tr, %s, %one : !rnn.value<["H" : 8] real>, !real, !real
  %st = rnn.stop %cl : !rnn.value<["H" : 8] real>
  %cg = rnn.clipgrad %st limit 10.0 : !rnn.value<["H" : 8] real>
  %as = rnn.as %cg : !rnn.value<["H" : 8] real> -> !rnn.value<["F" : 8] real>
  %am = rnn.argmax %as : !rnn.value<["F" : 8] real>
  %su = rnn.reduce_last sum %as : !rnn.value<["F" : 8] real>
  // CHECK: rnn.loss
  rnn.loss %su : !real
}

// CHECK-LABEL: rnn.module @C attributes
rnn.module @C attributes {kind = "cell", source = "c[2]", train = {}, exports = [], axes = {}} {
  %x = rnn.input "x" : !seq
  %z = rnn.constant 0.0 : !real
  // CHECK: rnn.first_state "h" %{{.*}} : <[] real>
  %h0 = rnn.first_state "h" %z : !real
  // CHECK: rnn.final_state "h"
  rnn.final_state "h" %h0 : !real
  // CHECK: rnn.result "out"
  rnn.result "out" %x : !seq
}

// CHECK-LABEL: rnn.module @L attributes
rnn.module @L attributes {kind = "model", source = "L", train = {}, exports = [], axes = {}} {
  %m = rnn.input "m" : !seq
  %y = rnn.output "y" : !seq
  // CHECK: rnn.law "near"(%{{.*}} : !rnn.value<["T"] real>) logp {
  // CHECK: } mode {
  // CHECK: } sample {
  // CHECK: } : <law, <["T"] real>>
  %d = rnn.law "near"(%m : !seq) logp {
  ^bb0(%a: !seq, %b: !seq):
    %l = rnn.binary sub %a, %b : !seq, !seq
    rnn.yield out(%l : !seq)
  } mode {
  ^bb0(%a: !seq):
    rnn.yield out(%a : !seq)
  } sample {
  } : !rnn.dist<law, !seq>
  rnn.observe "y" %y, %d : !seq, !rnn.dist<law, !seq>
}
