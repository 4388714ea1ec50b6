"""Updates of the rows that a batch reads: sparse_update.py LIBRARY DENSE THREADS.

DENSE is the same program without kernel-sparse-update. Each model is trained
from the same weights by both, and by LIBRARY once more while somebody gets a
place to write before each update, so that all are made beside the old values
and of all rows. Values, norms and verdicts are the same; of the same library
to the bit, of the other one too where no limit depends on a norm."""
import ctypes
import sys

import numpy as np
from library import NOT_FINITE, OK, Bound, Library

# Updates with larger numbers, and with numbers that are none.
LARGE = {5: 1e8, 8: 1e25, 9: np.inf, 10: np.nan}
BATCHES = ((4, 7), (32, 20), (1, 1))  # few rows are added one by one, many are sorted

ROW = b"\xa5" * 92  # of the gradient, in a workspace where nothing was written


class Run:
    def __init__(self, library, name, threads, watched=False):
        self.module = library.module(name, library.context(threads), seed=3)
        self.module.start("optimizer")
        self.watched = watched
        # Asking for a place to write later on makes the next update one beside the old values.
        self.now = {p["name"]: self.module.data(p["name"]) for p in self.module.about["parameters"]}
        self.now["Emb"][7] = -0.0  # read by some batches, and kept by others
        self.norms = np.zeros(len(self.module.about["parameters"]))

    def update(self, number):
        batch, steps = BATCHES[number % len(BATCHES)]
        draw = np.random.default_rng(number)
        size = len(self.now["Emb"])
        # Neighbours, the ends of the table, and rows that come often.
        words = draw.choice([0, 1, 2, 3, 7, size - 2, size - 1, *draw.integers(0, size, 30)], (batch, steps))
        lengths = draw.integers(1, steps + 1, batch)
        if number in LARGE:
            self.module.data("head.W")[...] *= LARGE[number]
            self.module.data("head.W")[...] = np.clip(self.module.data("head.W"), -3e38, 3e38)
        elif number - 1 in LARGE:
            self.module.data("head.W")[...] = 0.1
        elif self.watched:
            self.module.data("head.W")
        given = {"words": words, "T": lengths, "mood": draw.integers(0, 3, batch)}
        bound = Bound(self.module, "train_step", batch, [steps], number, 0, (), given)
        bound.call.norms = self.norms.ctypes.data
        status = bound.run()
        bound.finish()
        self.norm = bound.results["norm"]
        self.kept = bound.work.tobytes().count(ROW)
        return status

    def memory(self):
        """What the optimiser keeps, read so that nobody may have written it."""
        module = self.module
        size = max(p["offset"] + p["bytes"] for p in module.about["parameters"])
        return [ctypes.string_at(module.table.optimizer_slot_const(module.index, module.optimizer.ctypes.data, slot), size)
                for slot in range(module.about["optimizer"]["slots"])]

    def values(self):
        return [self.module.params[64:].tobytes(), self.norm.tobytes(), self.norms.tobytes(), *self.memory()]


def sameButForSums(run, other):
    for name, values in run.now.items():
        np.testing.assert_allclose(values, other.now[name], 1e-5, 1e-7, err_msg=name)
    np.testing.assert_allclose(run.norm, other.norm, 1e-6)
    assert run.norms.tobytes() == other.norms.tobytes() or run.module.about["name"] in ("Global", "Each", "Heavy")


def sameGradients(run, other):
    draw = np.random.default_rng(1)
    given = {"words": draw.integers(0, 3001, (5, 40)), "T": [40, 3, 1, 0, 17], "mood": [0, 1, 2, 0, 1]}
    (status, one), (_, two) = (r.module.call("grad", 5, [40], seed=3, **given) for r in (run, other))
    assert status == OK and one.keys() == two.keys(), status
    for name in one:
        assert one[name].tobytes() == two[name].tobytes(), name


def told(library, dense, name, threads):
    alone, watched, all_rows = Run(library, name, threads), Run(library, name, threads, True), Run(dense, name, threads)
    sameGradients(alone, all_rows)
    refused, sparse = [], []
    for number in range(16):
        statuses = {run.update(number) for run in (alone, watched, all_rows)}
        assert statuses <= {OK, NOT_FINITE} and len(statuses) == 1, (name, number, statuses)
        assert len({run.module.error.words() for run in (alone, watched, all_rows)}) == 1
        assert alone.values() == watched.values(), (name, number)
        sparse += [number] if alone.kept > watched.kept + 2500 else []
        if NOT_FINITE in statuses:
            refused.append(number)
        elif name in ("Plain", "Two", "Slow", "Lazy"):
            assert alone.values()[0] == all_rows.values()[0], (name, number)
            assert alone.memory() == all_rows.memory(), (name, number)
        else:
            sameButForSums(alone, all_rows)
    return f"{name}: sparse {sparse} refused {refused}"


def main():
    library, dense = (Library(path) for path in sys.argv[1:3])
    for module in library.modules:
        print(told(library, dense, module["name"], int(sys.argv[3])))


main()
