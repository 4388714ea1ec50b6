#!/usr/bin/env python3
"""What is measured on running text does not depend on how it is read.

    text FILE                  a text of five letters, long enough for several rows
    whole LIBRARY MODEL RUN FILE
                               `eval`, with any --batch, against one call of `loss`
                               that reads the whole text in one row
    tags FILE                  sequences of words with a tag each
    chunks RUN FILE            the same of tags, against `predict` on whole sequences
"""
import json
import random
import subprocess
import sys

import npz


def rnnc(*command):
    run = subprocess.run(["rnnc", *command], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return run.stdout


def text(path):
    rng = random.Random(3)
    with open(path, "w") as file:
        for part in range(40):  # parts of different taste
            weights = [rng.random() ** 3 + 0.01 for _ in range(5)]
            file.write("".join(rng.choices("abcde", weights, k=500 + part)))


def whole(library, model, run, path):
    figures = [rnnc("eval", run, "--data", path, "--batch", str(batch), "--json") for batch in (1, 7, 32)]
    assert figures[0] == figures[1] == figures[2], figures
    result = json.loads(figures[0])
    symbols = json.load(open(run + "/vocabulary.V.json"))
    content = open(path).read()
    npz.write(run + "/text.npz", {"text": [[symbols.index(c) for c in content]]})
    once = json.loads(rnnc("run", library, model + ".loss", "--weights", run + "/last.safetensors",
                           "--in", run + "/text.npz", "--json"))
    loss = once["outputs"]["loss"]["value"]
    assert result["elements"] == result["characters"] == len(content)
    # In f64, so that what is left is how far rows may begin off.
    close = abs(result["nats_per_token"] - loss) < 1e-7
    print(f"{model}:", "the same" if close else f"{result['nats_per_token']} instead of {loss}")


def tags(path):
    rng = random.Random(4)
    with open(path, "w") as file:
        for _ in range(37):
            length = rng.randint(1, 17)
            row = {"words": [rng.randrange(4) for _ in range(length)],
                   "tags": [rng.randrange(2) for _ in range(length)]}
            file.write(json.dumps(row) + "\n")


def chunks(run, path):
    rows = [json.loads(line) for line in open(path)]
    said = json.loads(rnnc("predict", run, "--in", path, "--json"))["predictions"]
    right = sum(int(guess) == tag for row, guesses in zip(rows, said)
                for tag, guess in zip(row["tags"], guesses["tags"]["label"], strict=True))
    for batch in (1, 5, 32):
        result = json.loads(rnnc("eval", run, "--data", path, "--batch", str(batch), "--json"))
        figures = result["outputs"]["tags"]
        assert figures["total"] == sum(len(row["tags"]) for row in rows)
        print(f"batch {batch}:", "the same" if figures["right"] == right else f"{figures['right']} of {right}")


{"text": text, "whole": whole, "tags": tags, "chunks": chunks}[sys.argv[1]](*sys.argv[2:])
