"""The process that jax_peer.py talks to: one line in, one number out.

    jax_child.py CORES SETUP ARRAYS.npz

`results FILE` writes the output and all gradients; `forward SECONDS` and
`training SECONDS` tell the best time in ms.
"""
import functools
import json
import os
import pathlib
import sys

os.sched_setaffinity(0, [int(core) for core in sys.argv[1].split(",")])  # before XLA counts its cores
os.environ["JAX_PLATFORMS"] = "cpu"
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
from jax.nn import sigmoid  # noqa: E402
from peers.timing import best_ms  # noqa: E402


def columns(matrix):
    """[gates, H, I] or [H, I], as a row of inputs multiplies it: [I, gates * H]."""
    return matrix.reshape(-1, matrix.shape[-1]).T


def gates(x, matrix):
    """Products of all gates in one: [.., gates, H]; `matrix` as columns."""
    return (x @ matrix).reshape(*x.shape[:-1], -1, matrix.shape[0])


def norm(x):
    x = x - x.mean(-1, keepdims=True)
    return x * jax.lax.rsqrt((x * x).mean(-1, keepdims=True) + 1e-5)


def split(z):
    return [z[..., k, :] for k in range(z.shape[-2])]


def rnn_tanh(p, xs, h, c):
    return jnp.tanh(xs + h @ p["U"]), c


def lstm(p, xs, h, c):
    i, f, g, o = split(xs + gates(h, p["U"]))
    c = sigmoid(f) * c + sigmoid(i) * jnp.tanh(g)
    return sigmoid(o) * jnp.tanh(c), c


def peephole(p, xs, h, c):
    i, f, g, o = split(xs + gates(h, p["U"]))
    pi, pf, po = p["P"]
    c = sigmoid(f + pf * c) * c + sigmoid(i + pi * c) * jnp.tanh(g)
    return sigmoid(o + po * c) * jnp.tanh(c), c


def ln_lstm(p, xs, h, c):
    i, f, g, o = split(p["gh"] * norm(gates(h, p["U"])) + xs)
    c = sigmoid(f) * c + sigmoid(i) * jnp.tanh(g)
    return sigmoid(o) * jnp.tanh(p["gc"] * norm(c) + p["bc"]), c


def gru(p, xs, h, c):
    (ar, az, an), (ur, uz, un) = split(xs), split(gates(h, p["U"]) + p["d"])
    n = jnp.tanh(an + sigmoid(ar + ur) * un)
    return n + sigmoid(az + uz) * (h - n), c


def minimal_gru(p, xs, h, c):
    f = sigmoid(xs[0] + h @ p["Uf"])
    n = jnp.tanh(xs[1] + (f * h) @ p["Un"])
    return h + f * (n - h), c


CELLS = {one.__name__: one for one in (rnn_tanh, lstm, peephole, ln_lstm, gru, minimal_gru)}


def inputs(cell, p, x):
    """What the steps read, for all of them at once."""
    if cell == "minimal_gru":
        return x @ p["Wf"].T + p["bf"], x @ p["Wn"].T + p["bn"]
    if cell == "rnn_tanh":
        return x @ p["W"].T + p["b"]
    xs = gates(x, columns(p["W"]))
    return (p["gx"] * norm(xs) if cell == "ln_lstm" else xs) + p["b"]


def layer(cell, p, x, valid, backward):
    """x [T, B, H]; a step past a row's end leaves its state and gives 0."""
    zero = jnp.zeros(x.shape[1:])
    turned = {name: columns(value) if name[0] == "U" else value for name, value in p.items()}

    def step(state, given):
        xs, live = given
        h, c = CELLS[cell](turned, xs, *state)
        if live is None:
            return (h, c), h
        return tuple(jnp.where(live, new, old) for new, old in zip((h, c), state)), jnp.where(live, h, 0)

    return jax.lax.scan(step, (zero, zero), (inputs(cell, p, x), valid), reverse=backward)[1]


def network(setup, valid, weights, x):
    """Layers one after the other; two parts in a group are the two directions."""
    for group in setup["groups"]:
        of = lambda part: {name.split(".")[1]: value for name, value in weights.items() if name.startswith(part + ".")}
        x = jnp.concatenate([layer(setup["cell"], of(part), x, valid, k == 1) for k, part in enumerate(group)], -1)
    return x


def main():
    arrays = dict(np.load(sys.argv[3]))
    x, cot = (jax.device_put(arrays.pop(name).transpose(1, 0, 2).copy()) for name in ("x", "cot"))
    lengths, valid = arrays.pop("lengths", None), None
    if lengths is not None:
        valid = jnp.asarray((np.arange(x.shape[0])[:, None] < lengths)[..., None])
    weights = jax.device_put(arrays)
    net = functools.partial(network, json.loads(sys.argv[2]), valid)

    def loss(weights, x):
        y = net(weights, x)
        return (y * cot).sum(), y

    forward, training = jax.jit(net), jax.jit(jax.value_and_grad(loss, (0, 1), has_aux=True))
    calls = {"forward": lambda: jax.block_until_ready(forward(weights, x)),
             "training": lambda: jax.block_until_ready(training(weights, x))}
    for line in sys.stdin:
        what, rest = line.rstrip("\n").split(" ", 1)
        if what != "results":
            print(best_ms(calls[what], float(rest)), flush=True)
            continue
        (_, out), (grads, dx) = calls["training"]()
        np.savez(rest, **{"out": out.transpose(1, 0, 2), "grad.x": dx.transpose(1, 0, 2),
                          **{f"grad.{name}": value for name, value in grads.items()}})
        print(0, flush=True)


if __name__ == "__main__":
    main()
