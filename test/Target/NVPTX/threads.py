"""The threads of a launch of PTX, on arrays of numpy (see ptx.py)."""
import re

import numpy as np

from ptx import Fault, WIDTHS

BASE = 1 << 20  # addresses below are nobody's
NOBODY, MANY = -1, -2
UNSIGNED = {1: np.bool_, 8: np.uint8, 16: np.uint16, 32: np.uint32, 64: np.uint64}


def dtype_of(kind):
    width = WIDTHS[kind]
    if kind == "pred":
        return np.dtype(np.bool_)
    return np.dtype({"f": "f", "s": "i", "u": "u", "b": "u"}[kind[0]] + str(width // 8))


class Memory:
    """Buffers far apart; what lies between is nobody's. Bytes that nobody wrote
    are 0xFF: as numbers they are NaN."""

    def __init__(self, size=1 << 22):
        self.bytes = np.full(size, 0xFF, np.uint8)
        self.given = np.zeros(size, np.bool_)
        self.end = 256

    def allocate(self, size):
        start = self.end
        self.end = (start + size + 511) // 256 * 256
        if self.end > self.bytes.size:
            raise Fault("the memory of the test is too small")
        self.given[start:start + size] = True
        return BASE + start

    def put(self, array):
        array = np.ascontiguousarray(array)
        address = self.allocate(array.nbytes)
        self.bytes[address - BASE:address - BASE + array.nbytes] = array.reshape(-1).view(np.uint8)
        return address

    def get(self, address, shape, dtype):
        count = int(np.prod(shape, dtype=int)) * np.dtype(dtype).itemsize
        return self.bytes[address - BASE:address - BASE + count].view(dtype).reshape(shape).copy()

    def places(self, addresses, dtype, what):
        offsets = addresses.astype(np.int64) - BASE
        size = dtype.itemsize
        if offsets.size and (offsets.min() < 0 or offsets.max() + size > self.bytes.size):
            raise Fault(f"{what} outside of memory")
        if np.any(offsets % size):
            raise Fault(f"{what} at an address that is no multiple of {size}")
        if not (self.given[offsets].all() and self.given[offsets + size - 1].all()):
            raise Fault(f"{what} outside of the buffers")
        return offsets // size

    def begin(self):
        """Before a launch: no thread has read or written anything."""
        self.reader = np.full(self.end, NOBODY, np.int32)
        self.writer = np.full(self.end, NOBODY, np.int32)

    def load(self, addresses, dtype, threads):
        places = self.places(addresses, dtype, "a load")
        first = places * dtype.itemsize
        if np.any((self.writer[first] != NOBODY) & (self.writer[first] != threads)):
            raise Fault("a thread reads what another writes")
        before = self.reader[first]
        self.reader[first] = threads
        others = (self.reader[first] != threads) | ((before != NOBODY) & (before != threads))
        self.reader[first[others]] = MANY
        return self.bytes.view(dtype)[places]

    def store(self, addresses, values, threads):
        places = self.places(addresses, values.dtype, "a store")
        first = places * values.dtype.itemsize
        written = (self.writer[first] != NOBODY) & (self.writer[first] != threads)
        if np.unique(places).size != places.size or np.any(written):
            raise Fault("two threads write one element")
        if np.any((self.reader[first] != NOBODY) & (self.reader[first] != threads)):
            raise Fault("a thread writes what another reads")
        self.writer[first] = threads
        self.bytes.view(values.dtype)[places] = values


class Threads:
    """A launch of one kernel."""

    def __init__(self, kernel, memory, blocks, block, arguments):
        if block != kernel.reqntid:
            raise Fault(f"{kernel.name} is launched with {block} threads a block, not {kernel.reqntid}")
        if len(arguments) != len(kernel.parameters):
            raise Fault(f"{kernel.name} takes {len(kernel.parameters)} arguments, not {len(arguments)}")
        self.kernel, self.memory = kernel, memory
        self.count, self.block = blocks * block, block
        self.shared = np.full((blocks, kernel.shared_size + 8), 0xFF, np.uint8)
        numbers = np.arange(self.count)
        self.special = {"%tid.x": (numbers % block).astype(np.uint32),
                        "%ctaid.x": (numbers // block).astype(np.uint32),
                        "%ntid.x": np.full(self.count, block, np.uint32),
                        "%nctaid.x": np.full(self.count, blocks, np.uint32)}
        self.arguments = dict(zip((name for name, _ in kernel.parameters), arguments))
        self.registers = {}
        self.at = None  # the threads that run now
        self.line = 0

    def run(self, most=5_000_000):
        places = np.zeros(self.count, np.int64)
        live = np.ones(self.count, np.bool_)
        done = 0
        self.memory.begin()
        try:
            while live.any():
                place = places[live].min()
                if place >= len(self.kernel.code):
                    raise Fault("runs past its end")
                at = np.flatnonzero(live & (places == place))
                self.step(self.kernel.code[place], int(place), at, places, live)
                done += 1
                if done > most:
                    raise Fault("does not end")
        except Fault as fault:
            raise Fault(f"{self.kernel.name}, line {self.line}: {fault}") from None

    def step(self, i, place, at, places, live):
        self.line = i.line
        places[at] = place + 1
        if i.guard:
            self.at = at
            at = at[self.value(i.guard, "pred") != i.negated]
        if not at.size:
            return
        self.at = at
        if i.name == "bra":
            places[at] = self.kernel.labels[i.operands[0]]
        elif i.name in ("ret", "exit"):
            live[at] = False
        else:
            with np.errstate(all="ignore"):
                getattr(self, "do_" + i.name, self.unknown)(i, i.suffixes, i.operands)

    def unknown(self, i, *_):
        raise Fault(f"`{i.op}` is not known here")

    # Registers hold bits; an instruction says as what they are read.

    def value(self, operand, kind):
        dtype = dtype_of(kind)
        if operand in self.kernel.shared:
            return np.full(self.at.size, self.kernel.shared[operand], np.uint64).astype(dtype)
        if operand in self.special:
            return self.special[operand][self.at].astype(dtype)
        if operand.startswith("%"):
            if operand not in self.registers:
                raise Fault(f"{operand} is read before it is written")
            bits = self.registers[operand][self.at]
            if bits.dtype.itemsize != dtype.itemsize:
                bits = bits.astype(UNSIGNED[dtype.itemsize * 8])
            return bits.view(dtype)
        return np.full(self.at.size, constant(operand, dtype))

    def set(self, operand, values):
        if operand == "_":
            return
        kind = self.kernel.registers[operand]
        bits = UNSIGNED[WIDTHS[kind]]
        if values.dtype != np.bool_:
            values = values.view(UNSIGNED[values.dtype.itemsize * 8])
        if operand not in self.registers:
            self.registers[operand] = np.zeros(self.count, bits)
        self.registers[operand][self.at] = values.astype(bits)

    # Memory

    def do_ld(self, i, suffixes, operands):
        kind = suffixes[-1]
        if suffixes[0] == "param":
            name = re.match(r"\[([\w$]+)\]$", operands[1])
            value = np.asarray(self.arguments[name[1]]).astype(np.uint64)
            return self.set(operands[0], np.full(self.at.size, value))
        if suffixes[0] not in ("global", "shared"):
            self.unknown(i)
        registers, dtype = vector(operands[0]), dtype_of(kind)
        for number, register in enumerate(registers):
            addresses = self.address(operands[1]) + np.uint64(number * dtype.itemsize)
            if suffixes[0] == "shared":
                loaded = self.shared_bytes(addresses, dtype).view(dtype)[:, 0]
            else:
                loaded = self.memory.load(addresses, dtype, self.at)
            wide = WIDTHS[self.kernel.registers[register]]
            if wide > dtype.itemsize * 8 and dtype.kind in "iu":
                loaded = loaded.astype(np.dtype(f"{dtype.kind}{wide // 8}"))
            self.set(register, loaded)

    def do_st(self, i, suffixes, operands):
        if suffixes[0] not in ("global", "shared"):
            self.unknown(i)
        dtype = dtype_of(suffixes[-1])
        for number, register in enumerate(vector(operands[1])):
            if suffixes[0] == "shared":
                place = self.shared_places(self.address(operands[0]) + np.uint64(number * dtype.itemsize), dtype)
                values = np.ascontiguousarray(self.value(register, suffixes[-1]))
                self.shared[place] = values.view(np.uint8).reshape(self.at.size, dtype.itemsize)
                continue
            self.memory.store(self.address(operands[0]) + np.uint64(number * dtype.itemsize),
                              self.value(register, suffixes[-1]), self.at)

    def shared_places(self, addresses, dtype):
        """Bytes of the shared memory of each thread's block."""
        addresses = addresses.astype(np.int64)
        if addresses.size and (addresses.min() < 0 or addresses.max() + dtype.itemsize > self.kernel.shared_size):
            raise Fault("outside of shared memory")
        if np.any(addresses % dtype.itemsize):
            raise Fault(f"shared memory at an address that is no multiple of {dtype.itemsize}")
        return (self.at // self.block)[:, None], addresses[:, None] + np.arange(dtype.itemsize)

    def shared_bytes(self, addresses, dtype):
        return np.ascontiguousarray(self.shared[self.shared_places(addresses, dtype)])

    def do_bar(self, i, suffixes, operands):
        """All threads that have not ended are here: those that stand furthest back
        run first."""
        if suffixes != ["sync"] or operands != ["0"]:
            self.unknown(i)
        blocks = np.unique(self.at // self.block)
        if self.at.size != blocks.size * self.block:
            raise Fault("not all threads of a block come to a barrier")

    def address(self, operand):
        if name := re.match(r"\[([\w$]+)(?:\+(\d+))?\]$", operand):
            if name[1] in self.kernel.shared:
                return np.full(self.at.size, self.kernel.shared[name[1]] + int(name[2] or 0), np.uint64)
        match = re.match(r"\[(%\w+)(?:\+(-?\d+))?\]$", operand)
        return self.value(match[1], "u64") + np.uint64(int(match[2] or 0) % 2**64)

    # Moves

    def do_mov(self, _, suffixes, operands):
        kind = suffixes[-1]
        into, source = vector(operands[0]), vector(operands[1])
        if len(into) > 1:  # taken apart
            parts = self.value(source[0], kind)
            width = WIDTHS[kind] // len(into)
            for number, register in enumerate(into):
                part = parts >> parts.dtype.type(number * width)
                self.set(register, part.astype(UNSIGNED[width]))
        elif len(source) > 1:  # put together
            width = WIDTHS[kind] // len(source)
            whole = np.zeros(self.at.size, UNSIGNED[WIDTHS[kind]])
            for number, register in enumerate(source):
                part = self.value(register, f"u{width}").astype(whole.dtype)
                whole |= part << whole.dtype.type(number * width)
            self.set(into[0], whole)
        else:
            self.set(into[0], self.value(source[0], kind))

    def do_cvta(self, _, suffixes, operands):
        self.set(operands[0], self.value(operands[1], suffixes[-1]))

    def do_selp(self, _, suffixes, operands):
        yes, no = (self.value(o, suffixes[-1]) for o in operands[1:3])
        self.set(operands[0], np.where(self.value(operands[3], "pred"), yes, no))

    def do_setp(self, i, suffixes, operands):
        x, y = (self.value(o, suffixes[-1]) for o in operands[1:3])
        name, nan = suffixes[0], np.isnan(x) | np.isnan(y) if x.dtype.kind == "f" else None
        plain = {"eq": x == y, "ne": x != y, "lt": x < y, "le": x <= y, "gt": x > y, "ge": x >= y,
                 "lo": x < y, "ls": x <= y, "hi": x > y, "hs": x >= y}
        if name in plain:
            result = plain[name] if nan is None or name != "ne" else plain[name] & ~nan
        elif name in ("num", "nan"):
            result = nan if name == "nan" else ~nan
        elif name.endswith("u") and name[:-1] in plain:
            result = plain[name[:-1]] | nan
        else:
            self.unknown(i)
        self.set(operands[0], result)

    def do_cvt(self, i, suffixes, operands):
        to, source = suffixes[-2:]
        x = self.value(operands[1], source)
        rounding = {"rni": np.rint, "rmi": np.floor, "rpi": np.ceil, "rzi": np.trunc}
        how = [s for s in suffixes[:-2] if s in rounding]
        if how:
            x = rounding[how[0]](x)
        dtype = dtype_of(to)
        if x.dtype.kind == "f" and dtype.kind in "iu":
            if not how:
                self.unknown(i)
            info = np.iinfo(dtype)  # out of range it is the nearest, NaN is 0
            inside = np.clip(np.nan_to_num(x, nan=0), float(info.min), float(info.max))
            result = np.where(x >= float(info.max), info.max, inside.astype(dtype)).astype(dtype)
        else:
            result = x.astype(dtype)
        wide = WIDTHS[self.kernel.registers[operands[0]]]
        if wide > dtype.itemsize * 8:
            result = result.astype(np.dtype(f"{dtype.kind}{wide // 8}"))
        self.set(operands[0], result)

    # Arithmetic

    def two(self, suffixes, operands):
        return [self.value(o, suffixes[-1]) for o in operands[1:3]]

    def do_add(self, _, suffixes, operands):
        x, y = self.two(suffixes, operands)
        self.set(operands[0], x + y)

    def do_sub(self, _, suffixes, operands):
        x, y = self.two(suffixes, operands)
        self.set(operands[0], x - y)

    def product(self, suffixes, operands):
        x, y = self.two(suffixes, operands)
        if "wide" in suffixes:
            wide = np.dtype(f"{x.dtype.kind}{x.dtype.itemsize * 2}")
            return x.astype(wide) * y.astype(wide)
        if "hi" in suffixes:
            bits = x.dtype.itemsize * 8
            return np.array([(int(a) * int(b)) >> bits for a, b in zip(x, y)], object).astype(x.dtype)
        return x * y

    def do_mul(self, _, suffixes, operands):
        self.set(operands[0], self.product(suffixes, operands))

    def do_mad(self, _, suffixes, operands):
        product = self.product(suffixes, operands)
        kind = suffixes[-1]
        if "wide" in suffixes:
            kind = kind[0] + str(WIDTHS[kind] * 2)
        self.set(operands[0], product + self.value(operands[3], kind))

    def do_fma(self, i, suffixes, operands):
        x, y, z = (self.value(o, suffixes[-1]) for o in operands[1:4])
        if suffixes[0] != "rn":
            self.unknown(i)
        if x.dtype == np.float32:  # in f64 the product is exact; the sum is rounded twice
            result = (x.astype(np.float64) * y.astype(np.float64) + z.astype(np.float64)).astype(np.float32)
        else:
            result = (x.astype(np.longdouble) * y.astype(np.longdouble) + z.astype(np.longdouble)).astype(np.float64)
        self.set(operands[0], result)

    def do_div(self, i, suffixes, operands):
        x, y = self.two(suffixes, operands)
        if x.dtype.kind != "f":
            safe = np.where(y == 0, 1, y)
            self.set(operands[0], np.where(y == 0, np.iinfo(x.dtype).max, x // safe).astype(x.dtype))
        elif "rn" in suffixes:
            self.set(operands[0], x / y)
        else:
            self.unknown(i)

    def do_rem(self, _, suffixes, operands):
        x, y = self.two(suffixes, operands)
        self.set(operands[0], np.fmod(x, np.where(y == 0, 1, y)).astype(x.dtype))

    def do_rcp(self, i, suffixes, operands):
        if "rn" not in suffixes:
            self.unknown(i)
        x = self.value(operands[1], suffixes[-1])
        self.set(operands[0], x.dtype.type(1) / x)

    def do_sqrt(self, i, suffixes, operands):
        if "rn" not in suffixes:
            self.unknown(i)
        self.set(operands[0], np.sqrt(self.value(operands[1], suffixes[-1])))

    def do_abs(self, _, suffixes, operands):
        self.set(operands[0], np.abs(self.value(operands[1], suffixes[-1])))

    def do_neg(self, _, suffixes, operands):
        self.set(operands[0], -self.value(operands[1], suffixes[-1]))

    def do_copysign(self, _, suffixes, operands):
        sign, size = self.two(suffixes, operands)
        self.set(operands[0], np.copysign(size, sign))

    def extreme(self, suffixes, operands, with_nan, without):
        x, y = self.two(suffixes, operands)
        self.set(operands[0], (with_nan if "NaN" in suffixes or x.dtype.kind != "f" else without)(x, y))

    def do_max(self, _, suffixes, operands):
        self.extreme(suffixes, operands, np.maximum, np.fmax)

    def do_min(self, _, suffixes, operands):
        self.extreme(suffixes, operands, np.minimum, np.fmin)

    def do_testp(self, i, suffixes, operands):
        x = self.value(operands[1], suffixes[-1])
        tests = {"finite": np.isfinite, "infinite": np.isinf, "notanumber": np.isnan,
                 "number": lambda v: ~np.isnan(v)}
        if suffixes[0] not in tests:
            self.unknown(i)
        self.set(operands[0], tests[suffixes[0]](x))

    # Bits

    def do_and(self, _, suffixes, operands):
        x, y = self.two(suffixes, operands)
        self.set(operands[0], x & y)

    def do_or(self, _, suffixes, operands):
        x, y = self.two(suffixes, operands)
        self.set(operands[0], x | y)

    def do_xor(self, _, suffixes, operands):
        x, y = self.two(suffixes, operands)
        self.set(operands[0], x ^ y)

    def do_not(self, _, suffixes, operands):
        self.set(operands[0], ~self.value(operands[1], suffixes[-1]))

    def shift(self, suffixes, operands, left):
        x = self.value(operands[1], suffixes[-1])
        by = self.value(operands[2], "u32")
        bits = x.dtype.itemsize * 8
        inside = np.minimum(by, bits - 1).astype(x.dtype)
        result = x << inside if left else x >> inside
        if left or x.dtype.kind == "u":
            result = np.where(by >= bits, 0, result).astype(x.dtype)
        self.set(operands[0], result)

    def do_bfe(self, i, suffixes, operands):
        if suffixes[-1][0] != "u":
            self.unknown(i)
        x = self.value(operands[1], suffixes[-1])
        first, count = (int(operand) for operand in operands[2:4])
        mask = x.dtype.type((1 << count) - 1)
        self.set(operands[0], x >> x.dtype.type(first) & mask)

    def do_shl(self, _, suffixes, operands):
        self.shift(suffixes, operands, left=True)

    def do_shr(self, _, suffixes, operands):
        self.shift(suffixes, operands, left=False)


def vector(operand):
    return [part.strip() for part in operand.strip("{}").split(",")]


def constant(text, dtype):
    if text.startswith("0f"):
        return np.array(int(text[2:], 16), np.uint32).view(np.float32).astype(dtype) \
            if dtype.kind == "f" else np.array(int(text[2:], 16), np.uint32).astype(dtype)
    if text.startswith("0d"):
        bits = np.array(int(text[2:], 16), np.uint64)
        return bits.view(np.float64) if dtype.kind == "f" else bits.astype(dtype)
    number = int(text, 0)
    if dtype.kind == "b":
        return np.bool_(number != 0)
    if dtype.kind == "f":
        raise Fault(f"{text} is no constant of a real number")
    wide = np.array(number % 2 ** (dtype.itemsize * 8), f"u{dtype.itemsize}")
    return wide.view(dtype)
