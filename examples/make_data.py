#!/usr/bin/env python3
"""Small data sets of our own for the examples and their tests.

    make_data.py KIND FILE [--count N] [--length T] [--seed S]
    make_data.py random FILE NAME=SIZE,SIZE... ...

KIND is one of
  text       sentences of a toy English grammar, as plain text
  sentiment  labelled sentences, TSV `mood<TAB>words`
  reviews    labelled Chinese restaurant and hotel reviews, CSV `label,review`
  fluency    Chinese sentences about days and plans, one a line
  names      sentences with the names of people and places marked, TSV `words<TAB>tags`
  forms      sentences of words nobody knows, whose endings tell what they are, TSV `words<TAB>tags`
  adding     the adding problem, .npz with x [N, T, 2], y [N], T [N]
  reverse    rows of digits and the same backward, .npz with src [N, S], tgt [N, T] and the
             lengths S, T: 0 starts, 1 stops (and ends every tgt), 2 ... 11 are the digits
  random     arrays of normal numbers, .npz: any names and shapes, to try a function on

Needs the standard library only. The same seed gives the same bytes.
"""
import argparse
import io
import math
import random
import struct
import zipfile

NAMES = "Anna Ben Clara David Emma Felix Greta Hugo".split()
THINGS = "boat bread garden horse lamp letter river stone window wheel".split()
VERBS = "builds carries finds paints sees sells takes watches".split()
PLACES = "by the sea,in the town,under the old bridge,near the mill,on the hill".split(",")


def text(rng, count):
    for _ in range(count):
        yield (f"{rng.choice(NAMES)} {rng.choice(VERBS)} the {rng.choice(THINGS)} "
               f"{rng.choice(PLACES)}.\n")


GOOD = "wonderful moving charming brilliant funny warm clever honest".split()
BAD = "dull boring clumsy tedious awful lifeless stale messy".split()
SUBJECTS = "film story cast plot music ending dialogue picture".split()


def mood_phrase(rng, good):
    word = rng.choice(GOOD if good else BAD)
    if rng.random() < 0.25:  # a negation turns the other word around
        word = "not " + rng.choice(BAD if good else GOOD)
    return f"the {rng.choice(SUBJECTS)} is {word}"


def sentiment(rng, count):
    yield "mood\twords\n"
    for _ in range(count):
        good = rng.random() < 0.5
        phrases = [mood_phrase(rng, good) for _ in range(rng.randint(1, 3))]
        yield f"{'positive' if good else 'negative'}\t{' and '.join(phrases)}\n"


PLACES_ZH = "房间 早餐 服务 前台 位置 菜 汤 环境 老板 床".split()
GOOD_ZH = "很好 不错 干净 热情 好吃 舒服 很满意 值得再来".split()
BAD_ZH = "很差 太脏 太吵 冷淡 难吃 失望 不好 再也不来".split()


def reviews(rng, count):
    yield "label,review\n"
    for _ in range(count):
        good = rng.random() < 0.5
        parts = [rng.choice(PLACES_ZH) + rng.choice(GOOD_ZH if good else BAD_ZH)
                 for _ in range(rng.randint(1, 4))]
        yield f"{int(good)},\"{'，'.join(parts)}。\"\n"


DAYS_ZH = ["周" + d for d in "一二三四五六日"]
WHEN_ZH = "今天 明天 昨天 后天".split()
WHO_ZH = "我们 他们 老师 妈妈 朋友".split()
PLANS_ZH = "去学校 看电影 吃晚饭 去公园 买水果 写作业".split()


def fluency(rng, count):
    for _ in range(count):
        kind = rng.random()
        if kind < 0.4:
            yield f"{rng.choice(WHEN_ZH)}是{rng.choice(DAYS_ZH)}\n"
        elif kind < 0.7:
            yield f"{rng.choice(WHEN_ZH)}{rng.choice(WHO_ZH)}{rng.choice(PLANS_ZH)}\n"
        else:
            yield f"{rng.choice(DAYS_ZH)}{rng.choice(WHO_ZH)}要{rng.choice(PLANS_ZH)}\n"


SURNAMES = "Adler Bonn Conrad Dietz Ernst Hamburg Kiel York".split()  # some are towns
TOWNS = ["Berlin", "Bonn", "Hamburg", "Kiel", "New York", "San Jose", "Bad Ems"]


def marked(name, kind):
    return [(word, ("B-" if i == 0 else "I-") + kind) for i, word in enumerate(name.split())]


def person(rng):
    return marked(rng.choice(NAMES) + (" " + rng.choice(SURNAMES) if rng.random() < 0.5 else ""), "PER")


def names(rng, count):
    yield "words\ttags\n"
    for _ in range(count):
        words = person(rng) + [(rng.choice("met saw called left".split()), "O")] + person(rng)
        if rng.random() < 0.7:
            words += [(rng.choice(["in", "near"]), "O")] + marked(rng.choice(TOWNS), "LOC")
        if rng.random() < 0.3:
            words += [("and", "O"), ("then", "O")] + person(rng)
        yield " ".join(w for w, _ in words) + "\t" + " ".join(t for _, t in words) + "\n"


SYLLABLES = "ba dri fe glo ka lim mo nu pra ret so tul vi wex zan".split()
# An ending, and the word class it tells; of `er` the word before decides.
ENDINGS = [("ness", "N"), ("ion", "N"), ("ed", "V"), ("ate", "V"), ("ful", "A"), ("ish", "A"), ("ly", "R"), ("er", "?")]


def forms(rng, count):
    yield "words\ttags\n"
    for _ in range(count):
        words = []
        for _ in range(rng.randint(2, 5)):
            small = rng.random() < 0.5
            if small:
                words.append((rng.choice(["the", "a", "this"]), "D"))
            ending, kind = rng.choice(ENDINGS)
            stem = "".join(rng.choice(SYLLABLES) for _ in range(rng.randint(1, 3)))
            words.append((stem + ending, kind if kind != "?" else "N" if small else "A"))
        yield " ".join(w for w, _ in words) + "\t" + " ".join(t for _, t in words) + "\n"


def npy(shape, kind, values):
    """The bytes of a .npy array: the format is a short header and the data."""
    header = f"{{'descr': '<{kind}', 'fortran_order': False, 'shape': {shape}, }}"
    header += " " * (63 - (len(header) + 10) % 64) + "\n"
    code = {"f4": "f", "i4": "i"}[kind]
    return (b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode()
            + struct.pack(f"<{len(values)}{code}", *values))


def npz(arrays):
    """The bytes of a .npz file, the same for the same arrays."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in arrays:
            archive.writestr(zipfile.ZipInfo(name + ".npy"), data)
    return out.getvalue()


def arrays(rng, wanted):
    made = []
    for entry in wanted:
        name, _, sizes = entry.partition("=")
        shape = tuple(int(size) for size in sizes.split(",") if size)
        made.append((name, npy(shape, "f4", [rng.gauss(0, 1) for _ in range(math.prod(shape))])))
    return npz(made)


def adding(rng, count, length):
    x, y = [], []
    for _ in range(count):
        marks = {rng.randrange(length // 2), length // 2 + rng.randrange(length - length // 2)}
        values = [rng.random() for _ in range(length)]
        for t, value in enumerate(values):
            x += [value, float(t in marks)]
        y.append(sum(values[t] for t in marks))
    return npz([("x", npy((count, length, 2), "f4", x)), ("y", npy((count,), "f4", y)),
                ("T", npy((count,), "i4", [length] * count))])


def reverse(rng, count, length):
    rows = [[rng.randint(2, 11) for _ in range(rng.randint(1, length))] for _ in range(count)]
    backward = [row[::-1] + [1] for row in rows]

    def padded(sequences, width):
        return npy((count, width), "i4", [v for s in sequences for v in s + [0] * (width - len(s))])

    def lengths(sequences):
        return npy((count,), "i4", [len(s) for s in sequences])

    return npz([("src", padded(rows, length)), ("S", lengths(rows)),
                ("tgt", padded(backward, length + 1)), ("T", lengths(backward))])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("kind", choices=["text", "sentiment", "reviews", "fluency", "names", "forms", "adding",
                                         "reverse", "random"])
    parser.add_argument("file")
    parser.add_argument("arrays", nargs="*", metavar="NAME=SIZE,...", help="arrays of `random`")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--length", type=int, default=50, help="steps of the adding problem, most digits of a row")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    rng = random.Random(args.seed)
    if args.kind == "adding":
        data = adding(rng, args.count, args.length)
    elif args.kind == "reverse":
        data = reverse(rng, args.count, args.length)
    elif args.kind == "random":
        data = arrays(rng, args.arrays)
    else:
        makers = {"text": text, "sentiment": sentiment, "reviews": reviews, "fluency": fluency, "names": names,
                  "forms": forms}
        data = "".join(makers[args.kind](rng, args.count)).encode()
    with open(args.file, "wb") as file:
        file.write(data)


if __name__ == "__main__":
    main()
