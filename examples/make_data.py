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
  questions  questions and what they ask for, lines of label, blank, text
  chunks     sentences with parts of speech and groups, a token a line (.conll)
  resumes    Chinese resumes with names, titles, ... marked, a character a line (.bmes)
  spelling   invented words and how they sound, TSV `word<TAB>sound`
  translation sentences of a toy German and the same in English, TSV `src<TAB>tgt`
  shorten    sentences and what is left of them when adjectives, adverbs, times, places and what stands
             between commas go, TSV `long<TAB>short`
  pictures   small pictures, bytes of 8 x 8 x RGB one after the other, and beside them FILE.tsv,
             `img<TAB>caption<TAB>tone`: what they show, and in which colour
  seasons    a noisy temperature a day, some missing, CSV `Date,Temp`
  growth     a number a month that grows by the year, with its seasons, CSV `Month,Passengers`
  hours      two series by the hour with a daily cycle, CSV `date,A,B`
  chorales   chords that follow one another by rules, piano rolls (.roll)
  forms      sentences of words nobody knows, whose endings tell what they are, TSV `words<TAB>tags`
  adding     the adding problem, .npz with x [N, T, 2], y [N], T [N]
  copy       ten symbols of eight, T - 11 blanks, and a mark: the ten are asked for then, .npz with
             x [N, T], y [N, 10], T [N]; 0 ... 7 are the symbols, 8 is the blank, 9 the mark
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


PLACE_WORDS = "city river lake country mountain street".split()


def questions(rng, count):
    for _ in range(count):
        name, thing, place = rng.choice(NAMES), rng.choice(THINGS), rng.choice(PLACE_WORDS)
        kind, text = rng.choice([
            ("HUM", f"Who {rng.choice('found sold built'.split())} the {thing}"),
            ("HUM", f"What is the name of the man who lost the {thing}"),
            ("LOC", f"Where did {name} find the {thing}"),
            ("LOC", f"What {place} does {name} come from"),
            ("NUM", f"How many {thing}s does {name} have"),
            ("NUM", f"When did {name} see the {place}"),
            ("DESC", f"Why does {name} need a {thing}"),
            ("DESC", f"What is a {thing}"),
        ])
        yield f"{kind} {text} ?\n"


def group(rng):
    tokens = [(rng.choice("the a this".split()), "DT")]
    if rng.random() < 0.5:
        tokens.append((rng.choice("old small red broken".split()), "JJ"))
    tokens.append((rng.choice(THINGS), "NN"))
    return [(word, pos, ("B" if i == 0 else "I") + "-NP") for i, (word, pos) in enumerate(tokens)]


def chunks(rng, count):
    for _ in range(count):
        tokens = group(rng)
        if rng.random() < 0.4:
            tokens += [("will", "MD", "B-VP"), ("find", "VB", "I-VP")]
        else:
            tokens += [(rng.choice(VERBS), "VBZ", "B-VP")]
        tokens += group(rng)
        if rng.random() < 0.5:
            tokens += [(rng.choice("by near under".split()), "IN", "B-PP")] + group(rng)
        tokens.append((".", ".", "O"))
        yield "".join(f"{word} {pos} {tag}\n" for word, pos, tag in tokens) + "\n"


RESUME_ZH = {"NAME": ["王明", "李小红", "张伟", "刘洋", "陈晓东"], "CONT": ["中国国籍"],
             "TITLE": ["董事", "总经理", "独立董事", "财务总监"], "ORG": ["本公司", "华东股份有限公司", "北京大学"],
             "EDU": ["本科学历", "硕士"], "O": ["，", "男，", "女，", "现任", "曾任", "。"]}


def resumes(rng, count):
    for _ in range(count):
        kinds = ["NAME", "O", "CONT", "O"] + rng.choice([["EDU", "O"], []])
        kinds += ["O", "ORG", "TITLE", "O"] * rng.randint(1, 2)
        for kind in kinds:
            text = rng.choice(RESUME_ZH[kind])
            for i, c in enumerate(text):
                place = "S" if len(text) == 1 else "B" if i == 0 else "E" if i + 1 == len(text) else "M"
                yield f"{c} {'O' if kind == 'O' else place + '-' + kind}\n"
        yield "\n"


SOUNDS = {"sh": "SH", "ch": "CH", "th": "TH", "ee": "IY", "oo": "UW", "a": "AE", "b": "B", "d": "D", "e": "EH", "f": "F",
          "i": "IH", "k": "K", "l": "L", "m": "M", "n": "N", "o": "AA", "p": "P", "r": "R", "s": "S", "t": "T", "v": "V"}


def spelling(rng, count):
    """Two letters may be one sound, c depends on the next letter, the last e is silent."""
    yield "word\tsound\n"
    starts = "sh ch th b d f k l m n p r s t v c".split()
    for _ in range(count):
        word, sounds = "", []
        for _ in range(rng.randint(1, 3)):
            start, vowel = rng.choice(starts), rng.choice("ee oo a e i o".split())
            word += start + vowel
            sounds += [("S" if vowel[0] in "ei" else "K") if start == "c" else SOUNDS[start], SOUNDS[vowel]]
        if rng.random() < 0.5:
            end = rng.choice("l m n t".split())
            word += end + "e"
            sounds.append(SOUNDS[end])
        yield f"{word}\t{' '.join(sounds)}\n"


GERMAN = {"der mann": "the man", "die frau": "the woman", "das kind": "the child", "der hund": "the dog"}
GERMAN_VERBS = {"sieht": "sees", "sucht": "seeks", "kauft": "buys", "malt": "paints"}
GERMAN_WHEN = {"heute": "today", "oft": "often", "am abend": "in the evening"}
GERMAN_THINGS = {"das": ["boot", "brot", "fenster"], "die": ["lampe", "mühle"]}
GERMAN_ENGLISH = {"boot": "boat", "brot": "bread", "fenster": "window", "lampe": "lamp", "mühle": "mill",
                  "alte": "old", "kleine": "small", "rote": "red"}


def translation(rng, count):
    """Behind a time the verb comes before who does it; in a clause with `dass` it is the last word."""
    yield "src\ttgt\n"
    for _ in range(count):
        who, verb = rng.choice(sorted(GERMAN)), rng.choice(sorted(GERMAN_VERBS))
        article = rng.choice(sorted(GERMAN_THINGS))
        words = [w for w in (rng.choice(["", "alte", "kleine", "rote"]), rng.choice(GERMAN_THINGS[article])) if w]
        thing, thing_en = " ".join([article] + words), " ".join(["the"] + [GERMAN_ENGLISH[w] for w in words])
        plain_en = f"{GERMAN[who]} {GERMAN_VERBS[verb]} {thing_en}"
        order = rng.randrange(3)
        if order == 0:
            yield f"{who} {verb} {thing}\t{plain_en}\n"
        elif order == 1:
            when = rng.choice(sorted(GERMAN_WHEN))
            yield f"{when} {verb} {who} {thing}\t{GERMAN_WHEN[when]} {plain_en}\n"
        else:
            yield f"ich weiß , dass {who} {thing} {verb}\ti know that {plain_en}\n"


KINDS = "old small red broken tired famous".split()
WAYS = "slowly quickly often quietly".split()
TIMES = "yesterday,in the morning,after a long day,last summer".split(",")
ASIDES = "who comes from {place},a friend of {name},tired but happy".split(",")


def shorten(rng, count):
    yield "long\tshort\n"
    for _ in range(count):
        def some(words, chance):
            return [rng.choice(words)] if rng.random() < chance else []

        who = rng.choice(NAMES)
        aside = some(ASIDES, 0.4)
        long = [w + " ," for w in some(TIMES, 0.4)] + [who]
        if aside:
            other = rng.choice([name for name in NAMES if name != who])
            long += [",", aside[0].format(place="the town", name=other), ","]
        verb, thing = rng.choice(VERBS), rng.choice(THINGS)
        long += some(WAYS, 0.4) + [verb, "the"] + some(KINDS, 0.5) + some(KINDS, 0.3) + [thing] + some(PLACES, 0.5)
        yield f"{' '.join(long)} .\t{who} {verb} the {thing} .\n"


COLOURS = {"red": (230, 30, 30), "green": (30, 200, 40), "blue": (40, 60, 230), "white": (240, 240, 240)}
SHAPES = {"square": "1111100110011111", "cross": "1001011001101001", "bar": "0000111111110000", "post": "0110011001100110"}


def pictures(rng, count):
    """The bytes of the pictures, and the table of what they show."""
    data, table = bytearray(), ["img\tcaption\ttone\n"]
    for index in range(count):
        colour, shape = rng.choice(sorted(COLOURS)), rng.choice(sorted(SHAPES))
        row, column = rng.randint(0, 4), rng.randint(0, 4)
        for y in range(8):
            for x in range(8):
                inside = row <= y < row + 4 and column <= x < column + 4
                drawn = inside and SHAPES[shape][4 * (y - row) + x - column] == "1"
                data += bytes(min(255, max(0, c + rng.randint(-15, 15))) for c in (COLOURS[colour] if drawn else (20, 20, 20)))
        table.append(f"{index}\ta {colour} {shape}\t{colour}\n")
    return bytes(data), "".join(table)


def seasons(rng, count):
    import datetime
    yield "Date,Temp\n"
    day, rest = datetime.date(2001, 1, 1), 0.0
    for t in range(count):
        rest = 0.7 * rest + rng.gauss(0, 1)
        value = 10 - 8 * math.cos(2 * math.pi * t / 365.25) + rest
        yield f"{day},{'NA' if rng.random() < 0.02 else round(value, 1)}\n"
        day += datetime.timedelta(days=1)


def growth(rng, count):
    yield "Month,Passengers\n"
    rest = 0.0
    for t in range(count):
        rest = 0.8 * rest + rng.gauss(0, 0.02)
        value = 100 * math.exp(0.01 * t + 0.2 * math.sin(2 * math.pi * t / 12) + rest)
        yield f"{1950 + t // 12}-{t % 12 + 1:02},{value:.1f}\n"


def hours(rng, count):
    import datetime
    yield "date,A,B\n"
    rest, time = 0.0, datetime.datetime(2001, 1, 1)
    for t in range(count):
        rest = 0.9 * rest + rng.gauss(0, 0.1)
        cycle = 2 * math.pi * t / 24
        yield f"{time},{math.sin(cycle) + rest:.3f},{math.cos(cycle) + 0.5 * rest + rng.gauss(0, 0.1):.3f}\n"
        time += datetime.timedelta(hours=1)


def chorales(rng, count):
    chords = [(0, 4, 7), (5, 9, 12), (7, 11, 14), (2, 5, 9)]
    for _ in range(count):
        base, chord = 48 + rng.randint(0, 5), 0
        for _ in range(rng.randint(8, 24)):
            yield " ".join(str(base + key) for key in chords[chord]) + "\n"
            chord = rng.choice([1, 2, 3] if chord == 0 else [0, 2] if chord == 1 else [0])
        yield "-\n\n"


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


def copy(rng, count, length):
    y = [rng.randrange(8) for _ in range(count * 10)]
    x = []
    for i in range(count):
        x += y[10 * i:10 * i + 10] + [8] * (length - 11) + [9]
    return npz([("x", npy((count, length), "i4", x)), ("y", npy((count, 10), "i4", y)),
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


MAKERS = {make.__name__: make for make in (text, sentiment, reviews, fluency, names, forms, questions, chunks, resumes,
                                           spelling, translation, shorten, seasons, growth, hours, chorales)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("kind", choices=["adding", "copy", "reverse", "random", "pictures", *MAKERS])
    parser.add_argument("file")
    parser.add_argument("arrays", nargs="*", metavar="NAME=SIZE,...", help="arrays of `random`")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--length", type=int, default=50, help="steps of the adding problem and of copy, most digits of a row")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    rng = random.Random(args.seed)
    if args.kind == "adding":
        data = adding(rng, args.count, args.length)
    elif args.kind == "copy":
        data = copy(rng, args.count, max(args.length, 11))
    elif args.kind == "reverse":
        data = reverse(rng, args.count, args.length)
    elif args.kind == "pictures":
        data, table = pictures(rng, args.count)
        with open(args.file + ".tsv", "w") as file:
            file.write(table)
    elif args.kind == "random":
        data = arrays(rng, args.arrays)
    else:
        data = "".join(MAKERS[args.kind](rng, args.count)).encode()
    with open(args.file, "wb") as file:
        file.write(data)


if __name__ == "__main__":
    main()
