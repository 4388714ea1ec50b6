"""An index into nothing is refused; NaN is no largest element."""
import sys

import numpy as np

from library import *

span = Library(sys.argv[1]).module("Span")
x = np.random.default_rng(0).normal(size=(3, 4, 3))
for name in span.functions():
    if name == "train_step":
        span.start("optimizer")
    about = [a["name"] for a in span.about_function(name)["args"]]
    args = {"x": x} | ({"y": np.zeros(3)} if name not in ("predict", "sample") else {})
    assert span.call(name, 3, [4], **args)[0] == OK
    assert span.call(name, 3, [4], T=[1, 4, 2], **args)[0] == OK
    status, _ = span.call(name, 3, [4], T=[1, 4, 0], **args)
    assert status == EMPTY and span.error.example == 2 and "no step" in span.error.words()
    print(name, "ok")
_, out = span.call("predict", 3, [4], x=x)
w = span.data("w")
for b in range(3):
    best = np.argmax(x[b] @ w)
    assert abs(out["y"][b] - x[b, best] @ w) < 1e-5
