// Sources.h: programs that the tests of this folder run.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef RNNC_TEST_UNIT_RNNTOSCAN_SOURCES_H
#define RNNC_TEST_UNIT_RNNTOSCAN_SOURCES_H

namespace rnnc::test {

inline const char *languageModel = R"(import std
dim V = 7, E = 3, H = 4
cell lm(prev: in V) -> categorical[V] {
  param Emb : [V, E] ~ normal(0, 0.1)
  use rnn = lstm[E, H] >> drop[_, 0.25] >> gru[H, H]
  use head = dense[H, V]
  out categorical(head(rnn(Emb[prev])))
}
model M {
  time T
  output text : [T] in V
  use lm = lm
  text ~ unfold lm start 0
}
train M { per example
  bptt 4 carry }
)";

inline const char *classifier = R"(import std
dim V = 7, E = 3, H = 4, C = 3
model M {
  time T
  input words : [T] in V
  output mood : in C
  param Emb : [V, E] ~ normal(0, 0.05)
  use fw = lstm[E, H], bw = gru[E, H]
  use head = dense[2*H, C]
  x = Emb[words]
  f = fold fw over x
  b = fold bw over x backward
  mood ~ categorical(head(f.h ++ b.h), smooth = 0.1)
}
train M { per example }
)";

// Everything that reads time, and functions with infinite slopes at 0.
inline const char *reductions = R"(dim I = 3
model M {
  time T
  input x : [T, I]
  output y : [T], z : real, w : [T] bit
  param A : [I, I] ~ glorot
  param v : [I] ~ normal(0, 1)
  a = softmax t in T: v @ tanh(x[t])
  c = sum t in T: a[t] * x[t]
  m = mean t in T: x[t]
  p = prod t in T: 1 + x[t, 0]
  l = logsumexp t in T: v @ x[t]
  d = for t in T: (A @ x[t]) / (x[t] * x[t])
  q = sum t in T: log(abs(x[t, 1])) + sqrt(x[t, 2] * x[t, 2])
  s = shift(x, v)
  y ~ normal(for t in T: v @ s[t] + v @ d[t], for t in T: abs(x[t, 0]))
  z ~ laplace(v @ c + v @ m + p + q + v @ last(reverse(x)), exp(v @ first(x)))
  w ~ bernoulli(for t in T: l * (v @ x[t]))
}
train M { per example }
)";

// Attention with coverage over the same sequence inside a cell, and a scan over
// a fixed axis.
inline const char *attention = R"(import std
dim I = 3, H = 4, R = 3
cell attend[time S](x: [I]; mem: [S, I]) -> [H] {
  param Q : [I, H] ~ glorot
  use rnn = rnn_tanh[2*I, H]
  state seen : [S] = 0
  q = Q @ rnn.h
  a = softmax s in S: mem[s] @ q - seen[s]
  seen' = seen + a
  c = sum s in S: a[s] * mem[s]
  out rnn(x ++ c)
}
model M {
  time T
  input x : [T, I], k : [R, I]
  output y : [T, H], z : [R, H]
  use dec = attend
  use fix = gru[I, H]
  use head = dense[H, H]
  y ~ normal(head(scan dec(mem = x) over x), 1)
  z ~ normal(scan fix over k, 1)
}
train M { per example }
)";

} // namespace rnnc::test

#endif // RNNC_TEST_UNIT_RNNTOSCAN_SOURCES_H
