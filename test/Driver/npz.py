"""Arrays to and from .npz, without numpy."""
import ast
import struct
import zipfile


def read_flat(path):
    """{name: (shape, numbers)}"""
    arrays = {}
    with zipfile.ZipFile(path) as archive:
        for entry in archive.namelist():
            raw = archive.read(entry)
            length = struct.unpack("<H", raw[8:10])[0]
            header = ast.literal_eval(raw[10:10 + length].decode())
            code = {"<i4": "i", "<i8": "q", "<f4": "f", "<f8": "d"}[header["descr"]]
            body = raw[10 + length:]
            count = len(body) // struct.calcsize(code)
            arrays[entry[:-4]] = (header["shape"], struct.unpack(f"<{count}{code}", body))
    return arrays


def read(path):
    """{name: nested lists}"""
    return {name: nest(list(numbers), shape) for name, (shape, numbers) in read_flat(path).items()}


def nest(flat, shape):
    for size in reversed(shape[1:]):
        flat = [flat[i:i + size] for i in range(0, len(flat), size)] if size else []
    return flat if shape else flat[0]


def shape_of(value):
    return (len(value), *shape_of(value[0])) if isinstance(value, list) else ()


def flatten(value):
    return [x for part in value for x in flatten(part)] if isinstance(value, list) else [value]


def write(path, arrays):
    """Whole numbers become i32, others f64; what has no numbers is given as (shape, "i" or "d")."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, value in arrays.items():
            if isinstance(value, tuple):
                (shape, code), flat = value, []
            else:
                flat, shape = flatten(value), shape_of(value)
                code = "i" if all(isinstance(x, int) for x in flat) else "d"
            header = "{'descr': '%s', 'fortran_order': False, 'shape': %s, }" % (
                {"i": "<i4", "d": "<f8"}[code], shape)
            header += " " * (63 - (len(header) + 10) % 64) + "\n"
            archive.writestr(name + ".npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) +
                             header.encode() + struct.pack(f"<{len(flat)}{code}", *flat))
