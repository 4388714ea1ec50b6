"""png.py FILE.png WIDTH CHANNELS [BITS] < numbers: writes a picture; numbers from 0 to 2^BITS - 1, row by row."""
import pathlib
import struct
import sys
import zlib


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def write(path, width, channels, numbers, bits=8):
    height = len(numbers) // (width * channels)
    row = width * channels
    packed = (struct.pack(f">{row}{'B' if bits == 8 else 'H'}", *numbers[y * row:(y + 1) * row]) for y in range(height))
    colour = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    pathlib.Path(path).write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)) +
        chunk(b"IDAT", zlib.compress(b"".join(b"\0" + one for one in packed))) + chunk(b"IEND", b""))


if __name__ == "__main__":
    write(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), [int(x) for x in sys.stdin.read().split()],
          int(sys.argv[4]) if len(sys.argv) > 4 else 8)
