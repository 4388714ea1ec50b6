#!/usr/bin/env python3
"""encodings.py DIR: one text in several encodings, and in DIR/bad what is none."""
import bz2
import gzip
import io
import lzma
import os
import sys
import tarfile
import zipfile

out = sys.argv[1]
os.mkdir(f"{out}/bad")


def write(name, content):
    with open(f"{out}/{name}", "wb") as f:
        f.write(content)


text = "你好吗\n我很好\n好\n" * 8
write("utf8.txt", text.encode())
write("gbk.txt", text.encode("gbk"))
write("utf16.txt", text.replace("\n", "\r\n").encode("utf-16"))
write("mac.txt", text.replace("\n", "\r").encode())
german = "grün über\nrun\n" * 6
write("latin1.txt", german.encode("latin-1"))

plain = text.encode()
write("bad/a.gz", gzip.compress(plain))
write("bad/a.bz2", bz2.compress(plain))
write("bad/a.xz", lzma.compress(plain))
write("bad/a.zst", b"\x28\xb5\x2f\xfd" + bytes(20))
archive = io.BytesIO()
with zipfile.ZipFile(archive, "w") as z:
    z.writestr("a.txt", plain)
write("bad/a.zip", archive.getvalue())
write("bad/a.npz", archive.getvalue())
archive = io.BytesIO()
with tarfile.open(fileobj=archive, mode="w") as tar:
    tar.add(f"{out}/utf8.txt", "a.txt")
write("bad/a.tar", archive.getvalue())
write("bad/blank", b"")
write("bad/bom", b"\xef\xbb\xbf")
write("bad/gbk", text.encode("gbk"))
write("bad/latin1", ("blau\n" + german).encode("latin-1"))
write("bad/null", b"a\nb\nc\0d\n" + b"many letters and one byte that is no letter\n" * 4)
write("bad/utf16", text.encode("utf-16"))
write("bad/utf16le", "abc\ndef\n".encode("utf-16-le"))
