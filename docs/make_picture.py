#!/usr/bin/env python3
"""The README's picture: a model beside the learning curve of its training.

    docs/make_picture.py RUN/log.jsonl docs/images/charlm.svg

The drawing is that of examples/char-lm/charlm.rnn; the curve is what `rnnc
train` wrote to the log (./demo.sh leaves one in demo-run/model).
"""
import argparse
import json
import math
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 980, 430
INK, FAINT, TRAIN, VALID = "#24292f", "#8c959f", "#2f6fab", "#d1600f"
BOXES = {"Emb": "#e7f0e4", "lstm": "#dbe9f6", "dense": "#fbeedb"}


def text(x, y, content, anchor="middle", size=13, color=INK, extra=""):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" '
            f'fill="{color}"{extra}>{escape(content)}</text>')


def arrow(x1, y1, x2, y2, dashed=False):
    dash = ' stroke-dasharray="4 3"' if dashed else ""
    return (f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{INK}" '
            f'stroke-width="1.3" marker-end="url(#tip)"{dash}/>')


def box(x, y, label, width=58, height=34):
    return (f'<rect x="{x - width / 2:.1f}" y="{y - height / 2:.1f}" width="{width}" height="{height}" '
            f'rx="5" fill="{BOXES[label]}" stroke="{INK}" stroke-width="1.1"/>'
            + text(x, y + 4.5, label))


def model():
    """Four steps of the model: columns are time, the two LSTMs hand their states on."""
    rows = {"read": 372, "Emb": 322, "low": 256, "high": 190, "dense": 124, "drawn": 74}
    columns = [176, 256, 336, 416]
    letters = "And_G"
    parts = [text(24, 36, "the model", "start", 16, extra=' font-weight="600"'),
             text(24, rows["read"] + 5, "character read", "start", 12, FAINT),
             text(24, rows["Emb"] + 5, "Emb[prev]", "start", 12, FAINT),
             text(24, rows["low"] + 5, "lstm[E, H]", "start", 12, FAINT),
             text(24, rows["high"] + 5, "lstm[H, H]", "start", 12, FAINT),
             text(24, rows["dense"] + 5, "dense[H, V]", "start", 12, FAINT),
             text(24, rows["drawn"] + 5, "next character", "start", 12, FAINT)]
    for i, x in enumerate(columns):
        parts += [text(x, rows["read"] + 6, letters[i], size=17, extra=' font-family="monospace"'),
                  text(x, rows["drawn"] + 6, letters[i + 1], size=17, extra=' font-family="monospace"'),
                  arrow(x, rows["read"] - 12, x, rows["Emb"] + 20),
                  box(x, rows["Emb"], "Emb"), arrow(x, rows["Emb"] - 17, x, rows["low"] + 20),
                  box(x, rows["low"], "lstm"), arrow(x, rows["low"] - 17, x, rows["high"] + 20),
                  box(x, rows["high"], "lstm"), arrow(x, rows["high"] - 17, x, rows["dense"] + 20),
                  box(x, rows["dense"], "dense"), arrow(x, rows["dense"] - 17, x, rows["drawn"] + 13)]
    for y in (rows["low"], rows["high"]):
        parts.append(arrow(columns[0] - 50, y, columns[0] - 31, y, True))
        parts += [arrow(x + 29, y, x + 49, y) for x in columns[:-1]]
        parts.append(arrow(columns[-1] + 29, y, columns[-1] + 49, y, True))
        parts += [text(x + 39, y - 6, "h, c", size=10, color=FAINT) for x in columns]
    parts += [arrow(columns[0] - 29, 402, columns[-1] + 49, 402),
              text(columns[0] - 37, 406, "time", "end", 12)]
    return parts


def read_log(path):
    """Points (update, bits a character) of training and of validation."""
    train, valid = [], []
    with open(path) as file:
        for line in file:
            entry = json.loads(line)
            if "valid" in entry:
                valid.append((entry["step"], entry["valid"]["bits_per_character"]))
            elif "loss" in entry:
                train.append((entry["step"], entry["loss"] / math.log(2)))
    return train, valid


def thinned(points, most=160):
    """Means of neighbouring points."""
    size = max(1, math.ceil(len(points) / most))
    groups = [points[i:i + size] for i in range(0, len(points), size)]
    return [tuple(sum(values) / len(group) for values in zip(*group)) for group in groups]


def tick_distance(span, count):
    power = 10.0 ** math.floor(math.log10(span / count))
    return next(power * factor for factor in (1, 2, 5, 10) if span / (power * factor) <= count)


def curve(train, valid):
    left, right, top, bottom = 566, WIDTH - 30, 62, 366
    most = max(step for step, _ in train)
    low = math.floor(min(bits for _, bits in train + valid))
    high = math.ceil(max(bits for _, bits in thinned(train)))

    def place(step, bits):
        return (left + (right - left) * step / most,
                bottom - (bottom - top) * (bits - low) / (high - low))

    parts = [text(left - 42, 36, "its training", "start", 16, extra=' font-weight="600"')]
    for bits in range(low, high + 1):
        y = place(0, bits)[1]
        parts += [f'<line x1="{left}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}" stroke="#d8dee4"/>',
                  text(left - 8, y + 4, str(bits), "end", 12)]
    distance = tick_distance(most, 6)
    for i in range(int(most / distance) + 1):
        parts.append(text(place(i * distance, low)[0], bottom + 18, f"{i * distance:,.0f}", size=12))
    parts += [text((left + right) / 2, bottom + 40, "updates"),
              text(0, 0, "bits a character", extra=f' transform="translate({left - 36},'
                   f'{(top + bottom) / 2}) rotate(-90)"')]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(*point) for point in thinned(train)))
    parts.append(f'<polyline points="{line}" fill="none" stroke="{TRAIN}" stroke-width="1.8"/>')
    for point in valid:
        x, y = place(*point)
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" fill="{VALID}"/>')
    parts += [f'<line x1="{right - 170}" y1="80" x2="{right - 142}" y2="80" stroke="{TRAIN}" stroke-width="2"/>',
              text(right - 134, 84, "training", "start"),
              f'<circle cx="{right - 156}" cy="102" r="4.5" fill="{VALID}"/>',
              text(right - 134, 106, f"held-out text: {valid[-1][1]:.2f}", "start")]
    return parts


def main():
    parser = argparse.ArgumentParser(description="Draws the picture of the README.")
    parser.add_argument("log", help="log.jsonl of `rnnc train`")
    parser.add_argument("out", help="the SVG that is written")
    options = parser.parse_args()
    train, valid = read_log(options.log)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
             f'height="{HEIGHT}" font-family="Helvetica, Arial, sans-serif">',
             '<title>A character language model and its learning curve</title>',
             f'<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
             f'orient="auto"><path d="M0,0 L8,4 L0,8 z" fill="{INK}"/></marker></defs>',
             f'<rect x="0.5" y="0.5" width="{WIDTH - 1}" height="{HEIGHT - 1}" rx="10" fill="#ffffff" '
             'stroke="#d0d7de"/>']
    with open(options.out, "w") as file:
        file.write("\n".join(parts + model() + curve(train, valid) + ["</svg>"]) + "\n")


if __name__ == "__main__":
    main()
