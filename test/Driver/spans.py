"""spans.py RNNC EXAMPLES FOLDER: span counts of `rnnc eval` against conlleval's state machine."""
import json
import pathlib
import random
import subprocess
import sys

rnnc, examples, folder = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])


def call(*arguments):
    return subprocess.run([str(a) for a in arguments], check=True, capture_output=True, text=True).stdout


def parts(tag):
    place, _, kind = tag.partition("-")
    return place, kind


def ends(before, now):
    (place, kind), (next_place, next_kind) = before, now
    return ((place, next_place) in {("B", "B"), ("B", "O"), ("I", "B"), ("I", "O")}
            or (place != "O" and kind != next_kind))


def starts(before, now):
    (place, kind), (next_place, next_kind) = before, now
    return ((place, next_place) in {("B", "B"), ("I", "B"), ("O", "B"), ("O", "I")}
            or (next_place != "O" and kind != next_kind))


def conlleval(sequences):
    """Pairs of true and predicted tags, as the program of the CoNLL tasks counts them."""
    right = found = wanted = 0
    inside = False
    before = (("O", ""), ("O", ""))
    for truth, guess in sequences:
        for pair in [*zip(truth, guess), ("O", "O")]:
            now = tuple(parts(tag) for tag in pair)
            if inside:
                over = [ends(b, n) for b, n in zip(before, now)]
                if all(over) and before[0][1] == before[1][1]:
                    right, inside = right + 1, False
                elif over[0] != over[1] or now[0][1] != now[1][1]:
                    inside = False
            new = [starts(b, n) for b, n in zip(before, now)]
            inside |= all(new) and now[0][1] == now[1][1]
            wanted += new[0]
            found += new[1]
            before = now
    return {"right": right, "found": found, "true": wanted}


def check(run, data, rename=lambda tags: tags):
    report = json.loads(call(rnnc, "eval", run, "--data", data, "--json"))["outputs"]["tags"]
    guesses = json.loads(call(rnnc, "predict", run, "--in", data, "--json"))["predictions"]
    truths = [line.split("\t")[1].split() for line in data.read_text().splitlines()[1:]]
    want = conlleval([(rename(t), rename(g["tags"]["label"])) for t, g in zip(truths, guesses)])
    print(report["spans"], want)
    if report["spans"] != want or not 0 < want["right"] < want["true"]:
        sys.exit("the counts differ, or there is nothing to count")
    f1 = 2 * want["right"] / (want["found"] + want["true"])
    if abs(report["span_f1"] - f1) > 1e-12:
        sys.exit(f"F1 is {report['span_f1']} instead of {f1}")


def noisy(path, out, seed, tags):
    """Some labels are any: spans that begin with `I`, kinds that change inside."""
    rng = random.Random(seed)
    lines = path.read_text().splitlines()
    for i, line in enumerate(lines[1:], 1):
        words, labels = (part.split() for part in line.split("\t"))
        labels = [rng.choice(tags) if rng.random() < 0.2 else tag for tag in labels]
        lines[i] = " ".join(words) + "\t" + " ".join(labels)
    out.write_text("\n".join(lines) + "\n")


plain, data = folder / "plain.tsv", folder / "data.tsv"
call(sys.executable, examples / "make_data.py", "names", plain, "--count", "200", "--seed", "5")
noisy(plain, data, 1, ["B-PER", "I-PER", "B-LOC", "I-LOC", "O"])
sizes = ["-D", "E=8", "-D", "H=8"]
call(rnnc, "train", "-O1", examples / "names" / "tagger.rnn", *sizes, "--data", data, "--out", folder / "run",
     "--epochs", "2", "--seed", "1")
check(folder / "run", data)

# B, M, E and S of words: for conlleval each S is a B, M and E are I.
words = folder / "words.tsv"
rng = random.Random(3)
with words.open("w") as file:
    file.write("words\ttags\n")
    for _ in range(200):
        tags = []
        for _ in range(rng.randint(1, 6)):
            n = rng.randint(1, 3)
            tags += ["S"] if n == 1 else ["B", *["M"] * (n - 2), "E"]
        file.write(" ".join(rng.choice("abcdef") + tag.lower() if rng.random() < 0.7 else "x" for tag in tags)
                   + "\t" + " ".join(tags) + "\n")
call(rnnc, "train", "-O1", examples / "names" / "tagger.rnn", *sizes, "--data", words, "--out", folder / "run2",
     "--epochs", "1", "--seed", "1")


def as_bio(tags):
    """What follows an E or S begins anew."""
    out, before = [], "E"
    for tag in tags:
        out.append("B" if tag in "BS" or before in "ES" else "I")
        before = tag
    return out


check(folder / "run2", words, as_bio)
