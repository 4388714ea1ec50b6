// The typing rules of the language are checked again, by the names of axes.
// RUN: rnn-opt %s --split-input-file --verify-diagnostics

!HI = !rnn.value<["H" : 3, "I" : 3] real>
!H = !rnn.value<["H" : 3] real>
rnn.module @M attributes {kind = "model", source = "M", train = {}, exports = [], axes = {}} {
  %W = rnn.input "W" : !HI
  %h = rnn.input "h" : !H
  // expected-error @below {{`@` joins axes of different size: the last of [H, I] and the first of [H]}}
  %z = rnn.match %W, %h : !HI, !H
}

// -----

rnn.module @M attributes {kind = "model", source = "M", train = {}, exports = [], axes = {}} {
  %a = rnn.input "a" : <["T", "K" : 3] real>
  %b = rnn.input "b" : <["T"] real>
  // expected-error @below {{add needs equal shapes or one that ends like the other: [T, K] and [T]}}
  %z = rnn.binary add %a, %b : <["T", "K" : 3] real>, <["T"] real>
}

// -----

rnn.module @M attributes {kind = "model", source = "M", train = {}, exports = [], axes = {}} {
  %e = rnn.input "e" : <["VS" : 3] real>
  %i = rnn.input "i" : <["T"] index "VT" : 3>
  // expected-error @below {{the index belongs to another axis: [T] in VT looks up the first axis of [VS]}}
  %z = rnn.lookup %e[%i] : <["VS" : 3] real>, <["T"] index "VT" : 3>
}

// -----

rnn.module @M attributes {kind = "model", source = "M", train = {}, exports = [], axes = {}} {
  // expected-error @below {{a parameter cannot have a length that is known only when the program runs: [T]}}
  %p = rnn.param "p" {init = {kind = "glorot"}} : <["T"] real>
}

// -----

rnn.module @M attributes {kind = "model", source = "M", train = {}, exports = [], axes = {}} {
  // expected-error @below {{first values of kind "normal" need the number `std`}}
  %p = rnn.param "p" {init = {kind = "normal", mean = 0.0}} : <["H" : 2] real>
}

// -----

rnn.module @M attributes {kind = "model", source = "M", train = {}, exports = [], axes = {}} {
  %x = rnn.input "x" : <["T", "H" : 2] real>
  // expected-error @below {{runs along S, but reads [T, H]}}
  rnn.scan <"S"> over(%x : !rnn.value<["T", "H" : 2] real>) states = [] {
  ^bb0(%e: !rnn.value<["H" : 2] real>):
    rnn.yield
  } -> ()
}

// -----

rnn.module @M attributes {kind = "model", source = "M", train = {}, exports = [], axes = {}} {
  %x = rnn.input "x" : <["T"] real>
  %h0 = rnn.constant 0.0 : <["H" : 2] real>
  // expected-error @below {{the state "h" changes its type: first [H], then real}}
  %h = rnn.scan <"T"> over(%x : !rnn.value<["T"] real>) init(%h0 : !rnn.value<["H" : 2] real>) states = ["h"] {
  ^bb0(%e: !rnn.value<[] real>, %s: !rnn.value<["H" : 2] real>):
    rnn.yield next(%e : !rnn.value<[] real>)
  } -> ()
}

// -----

rnn.module @M attributes {kind = "model", source = "M", train = {}, exports = [], axes = {}} {
  %x = rnn.input "x" : <["T"] real>
  // expected-error @below {{does not belong into a model}}
  rnn.final_state "h" %x : !rnn.value<["T"] real>
}

// -----

rnn.module @M attributes {kind = "model", source = "M", train = {}, exports = [], axes = {}} {
  %y = rnn.output "y" : <[] index "C" : 2>
  %s = rnn.input "s" : <["D" : 2] real>
  // expected-error @below {{scores [D] do not draw in C}}
  %d = rnn.dist categorical(%s : !rnn.value<["D" : 2] real>) : <categorical, <[] index "C" : 2>>
  rnn.observe "y" %y, %d : <[] index "C" : 2>, <categorical, <[] index "C" : 2>>
}

// -----

rnn.module @M attributes {kind = "model", source = "M", train = {}, exports = [], axes = {}} {
  %a = rnn.input "a" : <["K" : 3] bit>
  %b = rnn.input "b" : <["K" : 3] real>
  // expected-error @below {{and needs bits, not [K]}}
  %z = rnn.logic and %a, %b : <["K" : 3] bit>, <["K" : 3] real>
}

// -----

rnn.module @M attributes {kind = "model", source = "M", train = {}, exports = [], axes = {}} {
  %x = rnn.input "x" : <["T"] real>
  // expected-error @below {{`cumsum` along a time axis is a recurrence}}
  %z = rnn.sequence cumsum %x : <["T"] real>
}

// -----

rnn.module @M attributes {kind = "model", source = "M", train = {}, exports = [], axes = {}} {
  // expected-error @below {{needs a number for each entry of [2]}}
  %z = rnn.table [1.0, 2.0, 3.0] : !rnn.value<["2" : 2] real>
}

// -----

rnn.module @M attributes {kind = "model", source = "M", train = {}, exports = [], axes = {}} {
  %x = rnn.input "x" : <["K" : 3] real>
  // expected-error @below {{takes entries that [K] does not have}}
  %z = rnn.slice %x from 2 : !rnn.value<["K" : 3] real> -> !rnn.value<["2" : 2] real>
}

// -----

rnn.module @M attributes {kind = "model", source = "M", train = {}, exports = [], axes = {}} {
  %x = rnn.input "x" : <["K" : 3] real>
  // expected-error @below {{needs an axis with an entry for each value}}
  %z = rnn.list %x, %x : !rnn.value<["K" : 3] real>, !rnn.value<["K" : 3] real> -> !rnn.value<["3" : 3, "K" : 3] real>
}

// -----

rnn.module @M attributes {kind = "model", source = "M", train = {}, exports = [], axes = {}} {
  %x = rnn.input "x" : <["A" : 2, "B" : 3] real>
  // expected-error @below {{only renames axes of equal size, and splits or joins products: [A, B] as [B, A]}}
  %z = rnn.as %x : !rnn.value<["A" : 2, "B" : 3] real> -> !rnn.value<["B" : 3, "A" : 2] real>
}

// -----

rnn.module @M attributes {kind = "model", source = "M", train = {}, exports = [], axes = {}} {
  %x = rnn.input "x" : <["K" : 3] real>
  // expected-error @below {{is tied along T, which is no axis of [K] or around it}}
  %z = rnn.dropout %x p 0.5 site 0 tied <"T"> : !rnn.value<["K" : 3] real>
}

// -----

rnn.module @M attributes {kind = "model", source = "M", train = {}, exports = [], axes = {}} {
  %x = rnn.input "x" : <["K" : 3] real>
  %s = rnn.input "s" : <["T"] real>
  // expected-error @below {{the distribution of the noise does not fit [K]}}
  %z = rnn.noise %x normal %s, %s site 0 : !rnn.value<["K" : 3] real>, !rnn.value<["T"] real>, !rnn.value<["T"] real>
}

// -----

!seq = !rnn.value<["T"] real>
rnn.module @M attributes {kind = "model", source = "M", train = {}, exports = [], axes = {}} {
  %m = rnn.input "m" : !seq
  // expected-error @below {{`logp` reads other arguments}}
  %d = rnn.law "near"(%m : !seq) logp {
  ^bb0(%a: !seq):
    rnn.yield out(%a : !seq)
  } mode {
  } sample {
  } : !rnn.dist<law, !seq>
}

// -----

rnn.module @M attributes {kind = "model", source = "M", train = {}, exports = [], axes = {}} {
  %x = rnn.input "x" : <["S", "V" : 5] real>
  // expected-error @below {{does not run over [S, V]}}
  %u = rnn.unfold over(%x : !rnn.value<["S", "V" : 5] real>) states = [] start = 0 {
  ^bb0(%prev: !rnn.value<[] index "V" : 5>, %s: !rnn.value<["V" : 5] real>):
    %p = rnn.dist categorical(%s : !rnn.value<["V" : 5] real>) : <categorical, <[] index "V" : 5>>
    rnn.yield out(%p : !rnn.dist<categorical, <[] index "V" : 5>>)
  } : <unfold, <["T"] index "V" : 5>>
}

// -----

!seq = !rnn.value<["T"] real>
!bits = !rnn.value<["T"] bit>
rnn.module @M attributes {kind = "model", source = "M", train = {}, exports = [], axes = {}} {
  %m = rnn.input "m" : !bits
  // expected-error @below {{`logp` is a number for each draw, not [T] bit}}
  %d = rnn.law "near"(%m : !bits) logp {
  ^bb0(%a: !bits, %b: !seq):
    rnn.yield out(%a : !bits)
  } mode {
  } sample {
  } : !rnn.dist<law, !seq>
}

// -----

!seq = !rnn.value<["T"] real>
!bits = !rnn.value<["T"] bit>
rnn.module @M attributes {kind = "model", source = "M", train = {}, exports = [], axes = {}} {
  %m = rnn.input "m" : !bits
  // expected-error @below {{`mode` gives [T], not [T] bit}}
  %d = rnn.law "near"(%m : !bits) logp {
  ^bb0(%a: !bits, %b: !seq):
    rnn.yield out(%b : !seq)
  } mode {
  ^bb0(%a: !bits):
    rnn.yield out(%a : !bits)
  } sample {
  } : !rnn.dist<law, !seq>
}

// -----

rnn.module @M attributes {kind = "model", source = "M", train = {}, exports = [], axes = {}} {
  %x = rnn.input "x" : <["V" : 5] real>
  // expected-error @below {{begins with a symbol or with a value}}
  %u = rnn.unfold states = [] {
  ^bb0(%prev: !rnn.value<[] index "V" : 5>):
    %p = rnn.dist categorical(%x : !rnn.value<["V" : 5] real>) : <categorical, <[] index "V" : 5>>
    rnn.yield out(%p : !rnn.dist<categorical, <[] index "V" : 5>>)
  } : <unfold, <["T"] index "V" : 5>>
}
