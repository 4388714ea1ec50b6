"""page.py FILE: reads a page as XML and says what is on it."""
import sys
import xml.etree.ElementTree as ET

text = open(sys.argv[1], encoding="utf-8").read()
assert text.startswith("<!DOCTYPE html>")
root = ET.fromstring(text)


def name(element):
    return element.tag.split("}")[-1]


def every(kind, within=root):
    return [one for one in within.iter() if name(one) == kind]


def words(element):
    return "".join(element.itertext())


print("sections:", *(one.get("id") for one in every("section")))
print("pictures:", "; ".join(words(one) for one in every("figcaption")))
links = [value for one in root.iter() for key, value in one.attrib.items()
         if key.split("}")[-1] in ("href", "src") and not value.startswith("#")]
links += [style for style in map(words, every("style")) if "url(" in style or "@import" in style]
print(f"scripts: {len(every('script'))}, links to elsewhere: {len(links)}")
assert not [key for one in root.iter() for key in one.attrib if key.startswith("on")]
bad = "<script>alert(\"1\")</script> & 'x'"
if bad in words(root):
    print("as text:", bad)
tokens = [one for one in every("span") if "token" in (one.get("class") or "").split()]
print(f"tokens: {len(tokens)}, wrong: {sum('wrong' in one.get('class') for one in tokens)}")
maps = [one for one in every("svg") if one.get("class") == "map"]
if maps:
    print(f"maps: {len(maps)} with {len(every('rect', maps[0]))} cells")
for plot in every("svg"):
    box = plot.get("viewBox")
    assert box, "a picture without a size"
    for path in every("path", plot):
        assert "nan" not in path.get("d") and "inf" not in path.get("d"), path.get("d")
