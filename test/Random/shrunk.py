"""Shrinks a program of which one result is spoiled, and the text of one whose failure is
told by a function: what matters is left."""
import pathlib
import sys

import programs
import shrink

# A failure that is seen from the text alone.
BIG = """dim A = 3
cell c1(x0: [A]) -> [A] {
  state h1 : [A] = 0
  param w1 : [A] ~ glorot
  h1' = tanh((h1 + (x0 * w1)))
  out (erf(h1') + w1)
}
layer L1[time T](x0 : [T, A], x1 : [T]) -> [A] {
  use r1 = c1
  y1 = scan r1 over (x0 + (0.5 * x0)) backward final s1
  v1 = (sum i1 in T: x1[i1])
  out ((last(y1) * v1) + s1.h1)
}
export L1.vjp
"""
small, words = shrink.shrink(BIG, ["-O3", "--seed=1"], lambda text, words: "erf(" in text)
assert words == ["--seed=1"], words
assert small.count("\n") <= 4 and "erf(" in small, small
print("the text:", small.strip())

# A real one, whose programs have to stay well-typed.
folder = sys.argv[1]
path = pathlib.Path(folder, "program.rnn")
options = ["-O0", "--march=native", "--seed=1", "--spoil=vjp:out"]
path.write_text(programs.HEAD + " ".join(options) + "\n" + BIG)
one, text, words = programs.repeat(path)
assert one.kind == "differs" and words == options, one.kind
small, words = shrink.shrink(BIG, words, shrink.sameFailure(one.signature()), 600)
again = programs.check(small, words)
assert again.signature() == one.signature(), (small, again.kind)
assert not any(word in small for word in ("w1", "v1", "erf", "x1", "backward", "final")), small
print("the program:", len(BIG), "characters made", len(small))
print(small)
