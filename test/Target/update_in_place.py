"""Updates over the old values: update_in_place.py LIBRARY THREADS.

Each model is trained twice from the same weights. Once nobody looks on, so that
updates may be made over the old values; once somebody gets a place to write
before each, so that all are made beside them. Every bit has to be the same, of
large gradients too, and of updates that are refused. New values that were made
beside the old ones are found in the workspace."""
import sys

import numpy as np
from library import NOT_FINITE, OK, Bound, Library

# Updates with larger numbers: the norm of 5 is too large for one over the old
# values, the square of 8 does not fit f32, nor does the gradient of 10.
LARGE = {5: 1e8, 8: 1e25, 10: 1e38}


class Run:
    def __init__(self, library, name, threads, watched):
        self.module = library.module(name, library.context(threads), seed=3)
        self.module.start("optimizer")
        self.watched = watched
        about = self.module.about_function("train_step")
        size = {a["name"]: a["shape"][1] for a in about["args"] if a["name"] in "xy"}
        self.given = [np.zeros((4, size[name]), library.real) for name in "xy"]
        self.bound = Bound(self.module, "train_step", 4, [], None, 0, (), dict(zip("xy", self.given)))

    def update(self, number):
        if self.watched:
            self.module.data("net.W")
        draw = np.random.default_rng(number)
        for array in self.given:
            scale = LARGE.get(number, 1) if array is self.given[1] else 1
            array[...] = np.clip(draw.normal(size=array.shape) * scale, -3e38, 3e38)
        self.bound.work[:] = 0xA5
        return self.bound.run()

    def values(self):
        """Parameters, the optimiser's memory, and the norm."""
        return [self.module.params[64:].tobytes(), self.module.optimizer[192:].tobytes(), self.bound.results["norm"].tobytes()]

    def isBeside(self):
        return self.module.params[64:128].tobytes() in self.bound.work.tobytes()


def told(library, name, threads):
    alone, watched = (Run(library, name, threads, w) for w in (False, True))
    beside, refused = [], []
    for number in range(14):
        statuses = {run.update(number) for run in (alone, watched)}
        assert statuses <= {OK, NOT_FINITE} and len(statuses) == 1, (name, number, statuses)
        assert alone.values() == watched.values(), (name, number)
        if statuses == {NOT_FINITE}:
            refused.append(number)
            continue
        assert watched.isBeside(), (name, number)
        beside += [number] if alone.isBeside() else []
    # What somebody writes is looked at.
    before = alone.module.data("net.b")
    for value in (np.inf, np.nan):
        before[1] = value
        kept = alone.values()[:2]
        status = alone.update(20)
        assert status == NOT_FINITE and kept == alone.values()[:2], (name, status)
    return f"{name}: beside {beside} refused {refused}"


def main():
    library = Library(sys.argv[1])
    for module in library.modules:
        print(told(library, module["name"], int(sys.argv[2])))


main()
