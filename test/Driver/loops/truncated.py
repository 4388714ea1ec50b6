#!/usr/bin/env python3
"""truncated.py OUT.npz RNN.npz K LIMIT DIRECTION LENGTHS [FIRST.npz]: the gradient of

    loss = mean over examples of sum over steps of v . h[t],
    h[t] = tanh(W x[t] + U clipgrad(h[t - 1], LIMIT) + b)

by reverse accumulation written out by hand: the gradient of a state is limited
to +-LIMIT, and ends at the borders of segments of K steps (0: none). DIRECTION
is `forward` or `backward`. The first states are those of FIRST.npz
(`state.net.h`), or zero.
"""
import math
import sys

from npz import read, write

out, source, period, limit, direction, lengths = sys.argv[1:7]
period, limit = int(period), float(limit)
lengths = [int(n) for n in lengths.split(",")]
given = read(source)
W, U, b, v, x = (given[name] for name in ("net.W", "net.U", "net.b", "v", "x"))
I, H, B = len(W[0]), len(W), len(x)
states = read(sys.argv[7])["state.net.h"] if len(sys.argv) > 7 else [[0.0] * H] * B
dW = [[0.0] * I for _ in range(H)]
dU = [[0.0] * H for _ in range(H)]
db, dv, loss = [0.0] * H, [0.0] * H, 0.0

for xs, first, length in zip(x, states, lengths):
    order = list(range(length))
    if direction == "backward":
        order.reverse()
    before, after, h = {}, {}, first
    for t in order:
        before[t] = h
        h = [math.tanh(sum(W[i][j] * xs[t][j] for j in range(I)) +
                       sum(U[i][j] * h[j] for j in range(H)) + b[i]) for i in range(H)]
        after[t] = h
        loss += sum(v[i] * h[i] for i in range(H)) / B
    carried = [0.0] * H
    for t in reversed(order):
        for i in range(H):
            dv[i] += after[t][i] / B
        delta = [(v[i] / B + carried[i]) * (1 - after[t][i] ** 2) for i in range(H)]
        for i in range(H):
            db[i] += delta[i]
            for j in range(I):
                dW[i][j] += delta[i] * xs[t][j]
            for j in range(H):
                dU[i][j] += delta[i] * before[t][j]
        carried = [sum(U[i][j] * delta[i] for i in range(H)) for j in range(H)]
        carried = [max(-limit, min(limit, g)) for g in carried]
        # The step behind a border: t forward, t + 1 backward.
        later = t if direction == "forward" else t + 1
        if period and later % period == 0 and 0 < later < length:
            carried = [0.0] * H

write(out, {"loss": loss, "grad.net.W": dW, "grad.net.U": dU, "grad.net.b": db, "grad.v": dv})
