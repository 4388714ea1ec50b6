"""Arrays that are nearly right, into the current folder."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "Driver"))
import npz

nan = float("nan")
x = [[1.0, 2.0, 3.0], [4.0, 5.0, nan]]
y = [1.0, 2.0]
npz.write("nan.npz", {"x": x, "y": y})
npz.write("padding.npz", {"x": x, "y": y, "T": [3, 2]})
x[1][2] = 0.0
npz.write("other.npz", {"x": x, "y": y, "lengths": [3, 2]})
npz.write("index.npz", {"x": [[0, 1], [1000000000, 2]], "y": y})
