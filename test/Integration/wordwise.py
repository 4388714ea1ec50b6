"""wordwise.py WORK PROGRAM.rnn: a ragged batch of sentences of ragged words gives what the words
give one by one, and gradients that add up to theirs, in f64 to 1e-12."""
import math
import pathlib
import random
import subprocess
import sys

from agree import read, run, write

BATCH, WORDS, LETTERS, FEATURES = 3, 5, 6, 3
work, source = sys.argv[1:]
library = f"{work}/libwords.so"
run(source, "--precision", "f64", "-o", library)
draw = random.Random(5)
lengths = [WORDS, 0, 3]
letters = [draw.randint(0, LETTERS) for _ in range(BATCH * WORDS)]
letters[0] = LETTERS
x = [draw.gauss(0, 1) for _ in range(BATCH * WORDS * LETTERS * FEATURES)]


def call(function, arrays):
    write(f"{work}/in.safetensors", arrays)
    run("run", library, function, "--in", f"{work}/in.safetensors", "--out", f"{work}/out.safetensors")
    return read(f"{work}/out.safetensors")


def near(a, b, what):
    if abs(a - b) > 1e-12 * max(1, abs(b)):
        sys.exit(f"{what}: {a} in the batch, {b} alone")


# Past an end there is nothing that anybody may read.
padded = list(x)
for word in range(BATCH * WORDS):
    valid = letters[word] if word % WORDS < lengths[word // WORDS] else 0
    begin = word * LETTERS * FEATURES
    for k in range(begin + valid * FEATURES, begin + LETTERS * FEATURES):
        padded[k] = math.nan
shape = call("spell.forward", {"x": ("F64", [BATCH, WORDS, LETTERS, FEATURES], padded),
                               "T": ("I32", [BATCH], lengths), "L": ("I32", [BATCH, WORDS], letters)})["out"][0]
size = shape[-1]
cot = [draw.gauss(0, 1) for _ in range(math.prod(shape))]
whole = call("spell.vjp", {"x": ("F64", [BATCH, WORDS, LETTERS, FEATURES], padded), "T": ("I32", [BATCH], lengths),
                           "L": ("I32", [BATCH, WORDS], letters), "cot.out": ("F64", shape, cot)})
sums = {name: [0.0] * len(values) for name, (_, values) in whole.items()
        if name.startswith("grad.") and name != "grad.x"}
for word in range(BATCH * WORDS):
    part = whole["out"][1][word * size:(word + 1) * size]
    begin = word * LETTERS * FEATURES
    slopes = whole["grad.x"][1][begin:begin + LETTERS * FEATURES]
    if word % WORDS >= lengths[word // WORDS]:
        assert not any(part) and not any(slopes), f"word {word} is not there"
        continue
    n = letters[word]
    alone = call("spell.vjp", {"x": ("F64", [1, 1, n, FEATURES], x[begin:begin + n * FEATURES]),
                               "cot.out": ("F64", [1, 1, size], cot[word * size:(word + 1) * size])})
    for a, b in zip(part, alone["out"][1]):
        near(a, b, f"word {word}")
    for a, b in zip(slopes, list(alone["grad.x"][1]) + [0.0] * LETTERS * FEATURES):
        near(a, b, f"gradient of word {word}")
    for name in sums:
        sums[name] = [a + b for a, b in zip(sums[name], alone[name][1])]
for name, values in sums.items():
    for a, b in zip(whole[name][1], values):
        near(a, b, name)
print(f"{sum(lengths)} words give what they give one by one, and {len(sums)} gradients")
