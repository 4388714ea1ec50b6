"""PTX as a text: reads it and checks it. For tests.

    ptx.py lint FILE.ptx            refuses what no driver would load
    ptx.py assemble FILE.ptx        ptxas, where there is one"""
import os
import re
import shutil
import subprocess
import sys

WIDTHS = {"pred": 1, "b8": 8, "b16": 16, "b32": 32, "b64": 64, "f32": 32, "f64": 64,
          "s16": 16, "u16": 16, "s32": 32, "u32": 32, "s64": 64, "u64": 64, "u8": 8, "s8": 8}
SPECIAL = {"%tid.x", "%ctaid.x", "%ntid.x", "%nctaid.x"}
INSTRUCTION = re.compile(r"(?:@(!?)(%\w+)\s+)?([a-z]\w*(?:\.\w+)*)\s*(.*)$", re.S)


class Fault(Exception):
    pass


OPERAND = re.compile(r"\{[^}]*\}|\[[^]]*\]|[^,]+")


class Instruction:
    def __init__(self, line, text):
        self.line = line
        match = INSTRUCTION.match(text)
        if not match:
            raise Fault(f"line {line}: `{text}` is no instruction")
        self.negated, self.guard = match[1] == "!", match[2]
        self.name, self.suffixes = match[3].split(".")[0], match[3].split(".")[1:]
        self.op = match[3]
        self.operands = [part.strip() for part in OPERAND.findall(match[4]) if part.strip()]


class Kernel:
    """One .entry: parameters, registers, instructions, labels."""

    def __init__(self, name, parameters, reqntid):
        self.name, self.parameters, self.reqntid = name, parameters, reqntid
        self.registers, self.code, self.labels = {"tmp": "b32"}, [], {}
        self.shared, self.shared_size = {}, 0  # where each variable begins


class Module:
    def __init__(self, text):
        self.version = self.target = self.address_size = None
        self.kernels, self.externs = {}, []
        text = re.sub(r"/\*.*?\*/", lambda m: "\n" * m[0].count("\n"), text, flags=re.S)
        text = re.sub(r"//[^\n]*", "", text)
        # One half of 64 bits: the other goes into a register of its own scope.
        text = re.sub(r"\{ \.reg \.b32 tmp; ([^;]*); \}", r"\1;", text)
        self.read(text)

    def read(self, text):
        at, line = 0, 1
        for match in re.finditer(r"\.(version|target|address_size)\s+(\S+)", text):
            setattr(self, match[1], match[2])
        header = re.compile(r"(\.visible\s+)?\.entry\s+([\w$]+)\s*\((.*?)\)(.*?)\{", re.S)
        while match := header.search(text, at):
            self.outside(text[at:match.start()])
            line += text.count("\n", at, match.end())
            end = text.index("\n}", match.end())
            parameters = []
            for part in filter(None, (p.strip() for p in match[3].split(","))):
                words = part.split()
                if words[0] != ".param":
                    raise Fault(f"{match[2]}: `{part}` is no parameter")
                parameters.append((words[-1], words[1][1:]))
            needs = re.search(r"\.reqntid\s+(\d+)((?:\s*,\s*\d+)*)", match[4])
            kernel = Kernel(match[2], parameters, int(needs[1]) if needs else None)
            self.body(kernel, text[match.end():end], line)
            if kernel.name in self.kernels:
                raise Fault(f"{kernel.name} is there twice")
            self.kernels[kernel.name] = kernel
            line += text.count("\n", match.end(), end + 2)
            at = end + 2
        self.outside(text[at:])

    def outside(self, text):
        for line in text.split("\n"):
            line = line.strip()
            if ".extern" in line or ".func" in line:
                self.externs.append(line)
            elif line and not re.match(r"\.(version|target|address_size)\b", line):
                raise Fault(f"`{line}` is not expected outside of kernels")

    def body(self, kernel, text, line):
        for part in re.split(r"(\n)", text):
            if part == "\n":
                line += 1
                continue
            part = part.strip()
            while label := re.match(r"([$\w]+):\s*", part):
                if label[1] in kernel.labels:
                    raise Fault(f"line {line}: {label[1]} is there twice")
                kernel.labels[label[1]] = len(kernel.code)
                part = part[label.end():]
            for statement in filter(None, (s.strip() for s in part.split(";"))):
                self.statement(kernel, line, statement)

    @staticmethod
    def statement(kernel, line, text):
        if match := re.match(r"\.reg\s+\.(\w+)\s+(%\w+)<(\d+)>$", text):
            for number in range(int(match[3])):
                kernel.registers[f"{match[2]}{number}"] = match[1]
        elif match := re.match(r"\.shared\s+\.align\s+(\d+)\s+\.b8\s+([\w$]+)\[(\d+)\]$", text):
            align = int(match[1])
            start = -(-kernel.shared_size // align) * align
            kernel.shared[match[2]] = start
            kernel.shared_size = start + int(match[3])
        elif text.startswith(".pragma"):
            pass
        elif text.startswith("."):
            raise Fault(f"line {line}: `{text}` is not expected")
        else:
            kernel.code.append(Instruction(line, text))


def lint(module):
    """Faults that a driver would find when it loads the module, and memory that
    no kernel of rnnc has."""
    faults = []
    if not re.fullmatch(r"\d+\.\d+", module.version or ""):
        faults.append("there is no .version")
    if not re.fullmatch(r"sm_\d+a?", module.target or ""):
        faults.append("there is no .target")
    if module.address_size != "64":
        faults.append(".address_size is not 64")
    # Shared memory that is asked for has no size here: the launch gives it.
    asked = r"\.extern \.shared \.align 16 \.b8 \w+\[\];"
    faults += [f"`{line}`: nothing gives it" for line in module.externs if not re.fullmatch(asked, line)]
    for kernel in module.kernels.values():
        faults += [f"{kernel.name}: {fault}" for fault in lint_kernel(kernel)]
    return faults


def lint_kernel(kernel):
    if not kernel.reqntid or kernel.reqntid > 1024 or kernel.reqntid % 32:
        yield f".reqntid is {kernel.reqntid}"
    if kernel.shared_size > 48 << 10:
        yield f"{kernel.shared_size} bytes of shared memory"
    for name, kind in kernel.parameters:
        if kind not in ("u8", "u64", "b64", "f32", "f64", "u32", "b32"):
            yield f"parameter {name} is a .{kind}"
    names = {name for name, _ in kernel.parameters}
    written = set()
    # Blocks wait for each other in grids alone, and a fence stands before each arrival.
    grid = kernel.name.endswith("_grid")
    for before, i in zip([None, *kernel.code], kernel.code):
        arrives = grid and i.op == "atom.global.add.u64" and before and before.op == "fence.acq_rel.gpu"
        if i.name in ("call", "barrier", "atom", "red", "membar", "fence") and not arrives and not (grid and i.op == "fence.acq_rel.gpu") \
                or i.name == "bar" and not (kernel.shared or grid or kernel.name.endswith("_loop")):
            yield f"line {i.line}: `{i.op}` is not expected"
        if i.name == "mma" and not any(kernel.name.endswith("_tiles_" + kind) for kind in i.suffixes):
            yield f"line {i.line}: `{i.op}` rounds numbers, and nobody asked for it"
        if i.name == "bra" and i.operands[0] not in kernel.labels:
            yield f"line {i.line}: there is no label {i.operands[0]}"
        if i.name == "ld" and i.suffixes[0] == "param" and \
                re.match(r"\[([\w$]+)", i.operands[1])[1] not in names:
            yield f"line {i.line}: {i.operands[1]} is no parameter"
        if i.name in ("ld", "st") and (i.suffixes[0] in ("local", "b32", "b64", "f32", "f64") or
                                       i.suffixes[0] == "shared" and not (kernel.shared or grid)):
            yield f"line {i.line}: `{i.op}` is not memory that a caller gave"
        for register in re.findall(r"%\w+(?:\.\w+)?", " ".join(i.operands) + " " + (i.guard or "")):
            if register not in kernel.registers and register not in SPECIAL:
                yield f"line {i.line}: {register} is not declared"
        written.update(re.findall(r"%\w+", i.operands[0]) if i.operands and i.name not in ("st", "bra", "bar") else [])
    for i in kernel.code:
        reads = i.operands if i.name in ("st", "bra", "bar") else i.operands[1:]
        for register in re.findall(r"%\w+(?:\.\w+)?", " ".join(reads) + " " + (i.guard or "")):
            if register not in written and register not in SPECIAL:
                yield f"line {i.line}: {register} is never written"
    if not kernel.code or kernel.code[-1].op not in ("ret", "bra.uni", "bra"):
        yield "runs past its end"


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in ("lint", "assemble"):
        sys.exit(__doc__)
    path = sys.argv[2]
    if sys.argv[1] == "assemble":
        return assemble(path)
    with open(path) as file:
        module = Module(file.read())
    faults = lint(module)
    if faults:
        sys.exit("\n".join(f"{path}: {fault}" for fault in faults))
    instructions = sum(len(k.code) for k in module.kernels.values())
    print(f"{len(module.kernels)} kernels, {instructions} instructions for {module.target}: no fault")
    return 0


def assemble(path):
    """The assembler of NVIDIA's toolkit finds what only it can."""
    found = shutil.which("ptxas") or "/usr/local/cuda/bin/ptxas"
    if not os.path.exists(found):
        print(f"SKIPPED: there is no ptxas here, so {path} was not assembled")
        return 0
    with open(path) as file:
        oldest = re.search(r"\.target\s+(\w+)", file.read())[1]
    for chip in dict.fromkeys((oldest, "sm_90")):
        command = [found, f"-arch={chip}", "-v", "--warning-as-error", "--warn-on-spills", path, "-o", path + f".{chip}.cubin"]
        done = subprocess.run(command, text=True, capture_output=True)
        if done.returncode or "out of bound" in done.stdout + done.stderr:
            sys.exit(f"ptxas -arch={chip} refuses {path}:\n{done.stdout}{done.stderr}")
    print(f"ptxas takes {os.path.basename(path)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
