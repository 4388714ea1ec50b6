// RUN: rnn-opt %s --convert-rnn-to-scan --split-input-file | FileCheck %s

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
