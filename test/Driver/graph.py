"""graph.py FILE: reads a picture of `rnnc graph` as XML and says what is on it."""
import sys
import xml.etree.ElementTree as ET

root = ET.parse(sys.argv[1]).getroot()
SVG = "{http://www.w3.org/2000/svg}"
groups = root.findall(SVG + "g")
titles = [group.find(f"{SVG}text[@class='title']").text for group in groups]
boxes, labels, edges, gradients = [], [], 0, 0
for group in groups:
    rects = [one for one in group.findall(SVG + "rect") if one.get("class").startswith("box")]
    children = list(group)
    edges += len(group.findall(f"{SVG}path[@class='edge']"))
    gradients += len(group.findall(f"{SVG}path[@class='gradient']"))
    labels += [one.text for one in group.findall(f"{SVG}text[@class='label']")]
    for rect in rects:
        lines = []
        for child in children[children.index(rect) + 1:]:
            if child.tag != SVG + "text" or child.get("class") == "label":
                break
            lines.append(child.text)
        place = [float(rect.get(key)) for key in ("x", "y", "width", "height")]
        boxes.append((rect.get("class").split()[1], lines, place))
print(f"{', '.join(titles)}: {len(boxes)} boxes, {edges} edges, {gradients} gradients")
for kind, lines, _ in boxes:
    print(f"box {kind}:", " | ".join(lines))
for label in labels:
    print("label:", label)
overlaps = 0
for i, (_, _, (x, y, w, h)) in enumerate(boxes):
    size = [float(part) for part in root.get("viewBox").split()]
    assert x >= 0 and y >= 0 and x + w <= size[2] and y + h <= size[3], "outside of the picture"
    for _, _, (x2, y2, w2, h2) in boxes[:i]:
        overlaps += x < x2 + w2 and x2 < x + w and y < y2 + h2 and y2 < y + h
print("overlaps:", overlaps)
