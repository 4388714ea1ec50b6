"""PyTorch beside rnnc on a GPU: layers and training steps that do the same work.

Layers that PyTorch has are cuDNN's; others are written as one would write them,
the product of the input for all steps first, then a loop over time: `eager` as it
is, `compiled` with the step through torch.compile (all steps in one graph take it
minutes to compile). Models are PyTorch's own layers. f32 is f32: no TF32.

`python3 gpu_peers.py` runs all of it once, small, wherever PyTorch runs."""
import statistics

try:
    import torch
    from torch.nn import functional as F
except ImportError:
    torch = None


def use_exact(device):
    if device == "cuda":
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False


class LayerNormLSTM:
    """`ln_lstm` of std."""

    def __init__(self, h, device):
        new = lambda *shape: (torch.randn(*shape, device=device) / h ** 0.5).requires_grad_()
        self.W, self.U, self.b = new(4 * h, h), new(4 * h, h), new(4, h)
        self.gx, self.gh, self.gc, self.bc = new(4, h), new(4, h), new(h), new(h)
        self.h, self.states = h, 2
        self.parameters = [self.W, self.U, self.b, self.gx, self.gh, self.gc, self.bc]

    def before(self, x):
        z = F.layer_norm((x @ self.W.T).unflatten(-1, (4, self.h)), (self.h,))
        return self.gx * z + self.b

    def step(self, z, h, c):
        z = z + self.gh * F.layer_norm((h @ self.U.T).unflatten(-1, (4, self.h)), (self.h,))
        i, f, g, o = z.unbind(-2)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(self.gc * F.layer_norm(c, (self.h,)) + self.bc), c


class MinimalGRU:
    """`minimal_gru` of std."""

    def __init__(self, h, device):
        new = lambda *shape: (torch.randn(*shape, device=device) / h ** 0.5).requires_grad_()
        self.W, self.Uf, self.Un, self.b = new(2 * h, h), new(h, h), new(h, h), new(2 * h)
        self.h, self.states = h, 1
        self.parameters = [self.W, self.Uf, self.Un, self.b]

    def before(self, x):
        return F.linear(x, self.W, self.b)

    def step(self, z, h):
        f, n = z.chunk(2, -1)
        f = torch.sigmoid(f + h @ self.Uf.T)
        n = torch.tanh(n + (f * h) @ self.Un.T)
        return ((1 - f) * h + f * n,)


OWN = {"ln_lstm": LayerNormLSTM, "minimal_gru": MinimalGRU}
CUDNN = {"lstm": "LSTM", "gru": "GRU"}


def loop(layer, step, x):
    z = layer.before(x)
    states = tuple(x.new_zeros(len(x), layer.h) for _ in range(layer.states))
    out = []
    for t in range(x.shape[1]):
        states = step(z[:, t], *states)
        out.append(states[0])
    return torch.stack(out, 1)


def layers(cell, h, device):
    """Name and a function of the input, for each way to compute the layer."""
    if cell in CUDNN:
        made = getattr(torch.nn, CUDNN[cell])(h, h, batch_first=True, device=device)
        return [("cuDNN", lambda x: made(x)[0])]
    layer = OWN[cell](h, device)
    # Without a GPU this is a look at the code: no kernels are made.
    compiled = torch.compile(layer.step, backend="inductor" if device == "cuda" else "eager")
    return [("eager", lambda x: loop(layer, layer.step, x)), ("compiled", lambda x: loop(layer, compiled, x))]


def layer_bodies(cell, h, batch, steps, function, device):
    """Name and what is timed."""
    x = torch.randn(batch, steps, h, device=device, requires_grad=function == "vjp")
    cot = torch.randn(batch, steps, h, device=device)

    def body(run):
        if function == "vjp":
            return run(x).backward(cot)
        with torch.no_grad():
            run(x)
    return [(name, lambda run=run: body(run)) for name, run in layers(cell, h, device)]


class Language(torch.nn.Module if torch else object):
    """The language models of the examples: two layers of LSTM and a head."""

    def __init__(self, symbols, e, h, drop):
        super().__init__()
        self.table = torch.nn.Embedding(symbols, e)
        self.rnn = torch.nn.LSTM(e, h, 2, dropout=drop, batch_first=True)
        self.drop, self.head = torch.nn.Dropout(drop), torch.nn.Linear(h, symbols)

    def forward(self, text, states):
        out, states = self.rnn(self.table(text), states)
        return self.head(self.drop(out)), states


def update_body(symbols, e, h, drop, adam, batch, steps, device):
    """One update as the examples train: states carried on, norms clipped at 5."""
    model = Language(symbols, e, h, drop).to(device)
    optimiser = torch.optim.Adam(model.parameters(), 2e-3, fused=device == "cuda") if adam else torch.optim.SGD(model.parameters(), 1.0)
    text = torch.randint(symbols, (batch, steps + 1), device=device)
    carried = [None]

    def body():
        optimiser.zero_grad(set_to_none=True)
        scores, states = model(text[:, :-1], carried[0])
        F.cross_entropy(scores.flatten(0, 1), text[:, 1:].flatten()).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimiser.step()
        carried[0] = tuple(s.detach() for s in states)
    return body


def timed(bodies):
    """The median of five rounds of each, by the device's events, in ms."""
    def once(body, count):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        for _ in range(count):
            body()
        end.record()
        end.synchronize()
        return start.elapsed_time(end) / count

    found = {}
    for name, body in bodies:
        once(body, 3)
        count = max(1, min(200, int(60 / max(once(body, 3), 1e-3))))
        found[name] = statistics.median(once(body, count) for _ in range(5))
    return found


def usable():
    return torch is not None and torch.cuda.is_available()


def layer(cell, h, batch, steps, function):
    """Times of the layer's peers; none where there is no PyTorch for the GPU."""
    if not usable():
        return {}
    use_exact("cuda")
    return timed(layer_bodies(cell, h, batch, steps, function, "cuda"))


def update(shape, batch, steps):
    """Times of an update of a model of `shape` (the arguments of update_body)."""
    if not usable():
        return {}
    use_exact("cuda")
    return timed([("cuDNN", update_body(*shape, batch, steps, "cuda"))])


def main():
    if torch is None:
        print("SKIPPED: there is no PyTorch here")
        return
    device = "cuda" if torch.cuda.is_available() else "cpu"
    for cell in [*CUDNN, *OWN]:
        for function in ("forward", "vjp"):
            for name, body in layer_bodies(cell, 8, 3, 4, function, device):
                body()
                print(f"{cell} {function}: {name} runs on {device}", flush=True)
    for adam in (True, False):
        body = update_body(7, 4, 8, 0.2, adam, 2, 3, device)
        body(), body()
        print(f"an update with {'adam' if adam else 'sgd'} runs on {device}", flush=True)


if __name__ == "__main__":
    main()
