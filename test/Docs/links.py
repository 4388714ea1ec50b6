"""Every relative link of the Markdown pages leads somewhere: links.py ROOT"""
import os
import re
import sys

root = sys.argv[1]
broken = []


def pages():
    yield os.path.join(root, "README.md")
    for top in ("docs", "examples"):
        for folder, _, names in os.walk(os.path.join(root, top)):
            yield from (os.path.join(folder, name) for name in names if name.endswith(".md"))


def anchors(path):
    """The anchors that GitHub makes of the headings of a page."""
    with open(path) as file:
        text = re.sub(r"^```.*?^```$", "", file.read(), flags=re.S | re.M)
    headings = re.findall(r"^#+ (.*)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


for page in pages():
    with open(page) as file:
        text = re.sub(r"^```.*?^```$", "", file.read(), flags=re.S | re.M)
    for link in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]*`", "", text)):
        if re.match(r"\w+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = os.path.normpath(os.path.join(os.path.dirname(page), path)) if path else page
        if not os.path.exists(target):
            broken.append(f"{page}: {link} does not exist")
        elif anchor and anchor not in anchors(target):
            broken.append(f"{page}: {link}: there is no such heading")
print("\n".join(broken) or "all links lead somewhere")
sys.exit(bool(broken))
