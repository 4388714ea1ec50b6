"""The kernels of kernels.cu and what they have to compute.

    kernels.py FILE.ptx TOLERANCE SEED...

1e-5 is right for sums of up to 300 numbers of f32, and functions of nvcc's."""
import os
import sys

import numpy as np

import cuda


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


class Kernels:
    """A module of those kernels; every method runs one and returns how far off it is."""

    def __init__(self, text):
        self.driver = cuda.Driver(cuda.stand_in())
        self.module = self.driver.load(text)
        self.rng = np.random.default_rng(5)
        self.changes = {}  # of launches, for bugs on purpose

    def close(self):
        self.driver.close()

    def any(self, *shape):
        return self.rng.uniform(-1, 1, shape).astype(np.float32)

    def launch(self, name, grid, block, arguments, **options):
        function = self.driver.function(self.module, name)
        self.driver.launch(function, grid, self.changes.get("block", block), arguments, **options)

    def saxpy(self):
        x, y = self.any(300), self.any(300)
        to = self.driver.put(y)
        self.launch("saxpy", (3,), (128,), [np.float32(0.5), self.driver.put(x), to, np.int32(300)])
        return np.abs(self.driver.get(to, 300, np.float32) - (0.5 * x + y)).max()

    def scale(self):
        x = self.any(200)
        place = self.driver.put(np.append(self.any(4), x))
        start, to = place + self.changes.get("offset", 16), self.driver.allocate(800)
        to = start if self.changes.get("inplace") else to
        self.launch("scale", (1,), (64,), [start, to, np.int32(200)])
        return np.abs(self.driver.get(to, 200, np.float32) - x * np.tile([2, 3, 4, 5], 50)).max()

    def matmul(self):
        m, n, k = 35, 21, 40
        a, b = self.any(m, k), self.any(k, n)
        c = self.driver.allocate(m * n * 4)
        self.launch("matmul", (2, 3), (16, 16),
                    [self.driver.put(a), self.driver.put(b), c, *map(np.int32, (m, n, k))])
        return np.abs(self.driver.get(c, (m, n), np.float32) - a.astype(float) @ b).max()

    def gru_cell(self):
        batch, units = 5, 13
        gx, gh, h = self.any(batch, 3, units), self.any(batch, 3, units), self.any(batch, units)
        out = self.driver.allocate(h.nbytes)
        self.launch("gru_cell", (1,), (96,), [*map(self.driver.put, (gx, gh, h)), out,
                                              np.int32(batch), np.int32(units)])
        r, z = sigmoid(gx[:, 0] + gh[:, 0]), sigmoid(gx[:, 1] + gh[:, 1])
        n = np.tanh(gx[:, 2] + r * gh[:, 2])
        return np.abs(self.driver.get(out, h.shape, np.float32) - ((1 - z) * n + z * h)).max()

    def lstm_seq(self):
        steps, batch, units = 6, 2, 24
        gx, r = self.any(steps, batch, 4 * units), self.any(4 * units, units)
        y = self.driver.allocate(steps * batch * units * 4)
        self.launch("lstm_seq", (batch,), (4 * units,),
                    [self.driver.put(gx), self.driver.put(r), y, *map(np.int32, (steps, batch, units))],
                    shared=(4 * units * units + 5 * units) * 4)
        h = c = np.zeros((batch, units))
        expected = []
        for step in range(steps):
            i, f, g, o = np.split(gx[step] + h @ r.T, 4, axis=1)
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(c)
            expected.append(h)
        return np.abs(self.driver.get(y, (steps, batch, units), np.float32) - expected).max()

    def rnn_persist(self):
        steps, units = 12, 64
        gx, r = self.any(steps, units), self.any(units, units) / 4
        h, y = self.driver.put(np.zeros((2, units), np.float32)), self.driver.allocate(gx.nbytes)
        arrived = self.driver.put(np.zeros(1, np.uint32))
        self.launch("rnn_persist", (8,), (256,),
                    [self.driver.put(gx), self.driver.put(r), h, y, arrived, np.int32(steps)],
                    cooperative=True)
        state, expected = np.zeros(units), []
        for step in range(steps):
            state = np.tanh(gx[step] + r @ state)
            expected.append(state)
        return np.abs(self.driver.get(y, gx.shape, np.float32) - expected).max()

    def row_sums(self):
        x = self.any(3, 300)
        sums = self.driver.allocate(12)
        self.launch("row_sums", (3,), (256,), [self.driver.put(x), sums, np.int32(300)])
        return np.abs(self.driver.get(sums, 3, np.float32) - x.sum(axis=1)).max()

    def histogram(self):
        x = self.rng.integers(0, 16, 3000).astype(np.int32)
        counts = self.driver.put(np.zeros(16, np.int32))
        self.launch("histogram", (4,), (64,), [self.driver.put(x), counts, np.int32(3000)])
        return np.abs(self.driver.get(counts, 16, np.int32) - np.bincount(x, minlength=16)).max()

    def pipeline(self):
        x = self.any(4, 128)
        y = self.driver.allocate(x.nbytes)
        self.launch("pipeline", (1,), (32,), [self.driver.put(x), y])
        return np.abs(self.driver.get(y, x.shape, np.float32) - x[:, ::-1]).max()

    def mma_bf16(self):
        a, b = self.any(16, 16), self.any(8, 16)
        halves = [(m.view(np.uint32) >> 16).astype(np.uint16) for m in (a, b)]
        d = self.driver.allocate(16 * 8 * 4)
        self.launch("mma_bf16", (1,), (32,), [self.driver.put(m) for m in halves] + [d])
        left, right = [(m.astype(np.uint32) << 16).view(np.float32).astype(float) for m in halves]
        return np.abs(self.driver.get(d, (16, 8), np.float32) - left @ right.T).max()


NAMES = ("saxpy", "scale", "matmul", "gru_cell", "lstm_seq", "rnn_persist", "row_sums",
         "histogram", "pipeline", "mma_bf16")


def main():
    with open(sys.argv[1]) as file:
        text = file.read()
    tolerance, worst, runs = float(sys.argv[2]), 0, 0
    for weak in ("0", "1"):
        for seed in sys.argv[3:]:
            os.environ.update(RNNC_PTX_SEED=seed, RNNC_PTX_WEAK=weak)
            kernels = Kernels(text)
            for name in NAMES:
                off = getattr(kernels, name)()
                assert off <= tolerance, (name, seed, weak, off)
                worst, runs = max(worst, off), runs + 1
            kernels.close()
    print(f"{runs} runs of {len(NAMES)} kernels agree within {tolerance}; largest difference {worst:.1e}")


if __name__ == "__main__":
    main()
