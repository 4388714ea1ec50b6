#!/usr/bin/env python3
"""sst_phrases.py SST_DIR OUT_DIR [fine]: the Stanford Sentiment Treebank as TSV.

train.tsv holds every distinct labelled phrase of the training trees, dev.tsv
and test.tsv the sentences: two classes without what is neutral, or with `fine`
all five.
"""
import pathlib
import sys


def words(tokens):
    return " ".join(t.lower().replace("-lrb-", "(").replace("-rrb-", ")") for t in tokens)


def phrases(line):
    """(label, tokens) of every node of a tree in bracket form."""
    stack, tokens, i = [], line.replace("(", " ( ").replace(")", " ) ").split(), 0
    while i < len(tokens):
        if tokens[i] == "(":
            stack.append((int(tokens[i + 1]), []))
            i += 2
            continue
        if tokens[i] == ")":
            label, below = stack.pop()
            yield label, below
            if stack:
                stack[-1][1].extend(below)
        else:
            stack[-1][1].append(tokens[i])
        i += 1


def write(path, rows):
    with open(path, "w", encoding="utf-8") as out:
        out.write("mood\twords\n" + "".join(f"{mood}\t{text}\n" for mood, text in rows))


def main():
    source, target = map(pathlib.Path, sys.argv[1:3])
    fine = sys.argv[3:] == ["fine"]
    target.mkdir(parents=True, exist_ok=True)
    trees = (source / "trees.train.txt").read_text(encoding="utf-8").splitlines()
    labelled = {(label, words(tokens)) for line in trees for label, tokens in phrases(line)}
    found = labelled if fine else {(int(label > 2), text) for label, text in labelled if label != 2}
    write(target / "train.tsv", sorted(found))
    for part in ["dev", "test"]:
        lines = (source / f"sst{5 if fine else 2}.{part}.txt").read_text(encoding="utf-8").splitlines()
        write(target / f"{part}.tsv", [(line[0], words(line[2:].split())) for line in lines])


if __name__ == "__main__":
    main()
