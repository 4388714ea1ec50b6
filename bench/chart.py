"""A chart of a speed table as SVG, without anything to install."""
from xml.sax.saxutils import escape

INK = ("<style>text{font:12px sans-serif;fill:#222}.g{stroke:#8886}.a{fill:#2f7d4f}.b{fill:#b5533c}"
       "@media(prefers-color-scheme:dark){text{fill:#ddd}.a{fill:#5cc489}.b{fill:#e08a72}}</style>")


def bars(rows, title):
    """One bar a row: how many times faster than the best peer; 1 is level."""
    rows = [row for row in rows if row["ahead"]]
    left, right, step, top = 260, 420, 18, 56
    most = max([2.0] + [row["ahead"] for row in rows])
    place = lambda value: left + right * value / most
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left + right + 60} {top + step * len(rows) + 12}">',
             INK, f'<title>rnnc beside the best peer</title><text x="8" y="18">{escape(title)}</text>',
             '<text x="8" y="38">Time of the best peer over that of rnnc; right of the line rnnc is faster.</text>']
    for k, row in enumerate(rows):
        y = top + step * k
        name = f'{row["shape"]}, {row["mode"]}, {row["threads"]} thread{"s" if row["threads"] > 1 else ""}'
        kind = "a" if row["ahead"] >= 1 else "b"
        parts.append(f'<text x="{left - 8}" y="{y + 11}" text-anchor="end">{escape(name)}</text>'
                     f'<rect class="{kind}" x="{left}" y="{y}" width="{place(row["ahead"]) - left:.1f}" height="13"/>'
                     f'<text x="{place(row["ahead"]) + 5:.1f}" y="{y + 11}">{row["ahead"]:.2f}</text>')
    parts.append(f'<line class="g" x1="{place(1):.1f}" x2="{place(1):.1f}" y1="{top - 6}" '
                 f'y2="{top + step * len(rows)}"/></svg>')
    return "\n".join(parts) + "\n"
