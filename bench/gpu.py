"""What gpu.sh runs: `prepare FOLDER` compiles the programs, `measure FOLDER OUT` runs
them, `look` says what GPU there is.

A folder that was prepared has all that measuring needs: libraries with code for
GPUs and for processors, and the Python files that call them. First every function
of the test models is held against the processor, with arrays on the host and on
the GPU: time loops by every plan, the layers of the golden comparison, twenty updates
of every optimiser. What disagrees is said, and the exit code is 1 in the end. Then
layers and training steps are timed with
the device's events: the median of five rounds; PyTorch's beside them
(gpu_peers.py), the most important first. Another process does that, which is ended
where one of them takes too long or fails; the next begins behind it. Last of all is
compute-sanitizer. What there is so far stands in OUT at all times."""
import argparse
import ctypes as c
import importlib.util
import json
import os
import pathlib
import re
import select
import shutil
import statistics
import subprocess
import sys
import time

import gpu_peers as peers

HERE = pathlib.Path(__file__).resolve().parent
SECONDS = 480  # for all of it
MOST = {"agree": 60, "row": 40, "sanitizer": 60}  # for one
SUITE_SECONDS = 200  # for all that agrees
CELLS = ("lstm", "gru", "ln_lstm", "minimal_gru")


def shapes(small):
    """Cell, units, batch, steps."""
    if small:
        return [(cell, 8, 3, 4) for cell in CELLS]
    named = [("lstm", 512, 64, 25), ("lstm", 256, 1, 100), ("gru", 512, 64, 25), ("ln_lstm", 256, 64, 100),
             ("minimal_gru", 256, 64, 100)]
    more = [(cell, h, b, 25 if b > 16 else 200 if b == 1 else 100) for cell in ("lstm", "gru")
            for h in (256, 512, 1024, 2048) for b in (1, 16, 64, 256)]
    return named + [shape for shape in more if shape not in named]


def models(small):
    """Name, file of the tree, dims, batch, steps, and what PyTorch is told: symbols,
    their width, units, dropout, whether Adam."""
    if small:
        return [("character model", "char-lm/charlm.rnn", {"V": 7, "E": 4, "H": 8}, 2, 3, (7, 4, 8, 0.2, True))]
    return [("character model", "char-lm/charlm.rnn", {"V": 96}, 50, 100, (96, 64, 256, 0.2, True)),
            ("word model, small", "word-lm/wordlm.rnn", {"V": 10000}, 20, 20, (10000, 200, 200, 0.0, False)),
            ("word model, medium", "word-lm/wordlm.rnn", {"V": 10000, "H": 650}, 20, 35, (10000, 650, 650, 0.0, False))]


def prepare(folder, small):
    folder.mkdir(parents=True, exist_ok=True)
    root = HERE.parent
    rnnc = os.environ.get("RNNC", str(root / "build/bin/rnnc"))
    for file in ("bench/gpu.py", "bench/gpu_peers.py", "test/gpu/on_gpu.py", "test/gpu/cuda.py", "test/gpu/products.py",
                 "test/Target/library.py"):
        shutil.copy(root / file, folder)

    def compile_one(source, name, *options):
        done = subprocess.run([rnnc, source, "--target=cpu,nvptx64", "-march=x86-64-v3", "-O1" if small else "-O3",
                               "-o", folder / f"lib{name}.so", *options], text=True, stderr=subprocess.PIPE)
        if done.returncode:
            sys.exit(f"{rnnc} does not compile {source}\n{done.stderr}")
        return done.stderr

    for precision in ("f32", "f64"):
        compile_one(root / "test/Target" / ("one.rnn" if small else "models.rnn"), precision, f"--precision={precision}")
    prepare_suite(root, folder, small, compile_one)
    tiles = folder / "tiles.txt"
    tiles.write_text("".join(f"{layer}.{what}/product{n}@sm_80: flat_rows = 1\n" for layer in ("plain", "long")
                             for what, count in (("forward", 1), ("vjp", 3)) for n in range(count)))
    for kind in ("tf32", "bf16"):
        compile_one(root / "test/gpu/products.rnn", kind, f"--product-type={kind}", f"--schedule={tiles}")
    for cell, h in sorted({(s[0], s[1]) for s in shapes(small)}):
        source = folder / f"{cell}_{h}.rnn"
        source.write_text(f"import std\n\nlayer net[time T](x: [T, {h}]) -> [T, {h}] {{\n  use l = {cell}[{h}, {h}]\n"
                          "  out scan l over x\n}\n\nexport net.forward, net.vjp\n")
        compile_one(source, f"{cell}_{h}")
    for number, (_, file, dims, *_) in enumerate(models(small)):
        compile_one(root / "examples" / file, f"model{number}", *(f"-D{k}={v}" for k, v in dims.items()))


GOLDEN = [f"{cell}{suffix}[5, 7]" for cell in ("rnn_tanh", "rnn_relu", "lstm", "gru") for suffix in ("", "_two", "_both")]
OPTIMISERS = [("sgd(lr = 0.1)", "clip global_norm 0.1"), ("sgd(lr = 0.05, momentum = 0.9)", "clip value 0.02"),
              ("sgd(lr = 0.05, momentum = 0.9, nesterov = 1)", "clip norm 0.05"), ("adam(lr = 0.01)", "clip adaptive 0.02"),
              ("adamw(lr = 0.01, decay = 0.1)", "clip value 0.05\n  clip global_norm 0.1"), ("rmsprop(lr = 0.01)", ""),
              ("adagrad(lr = 0.05)", "clip global_norm 0.1")]
# Libraries of the suite, and how they are run.
SUITE = [("f32",), ("f32", "--there", "--keep"), ("f64",), ("steps",), ("grids",), ("grids", "--batch", "1", "--time", "30"),
         ("grids64",), ("golden",), ("golden64",), *(("updates", f"Model{n}.train_step", "--steps", "20") for n in range(len(OPTIMISERS)))]


def prepare_suite(root, folder, small, compile_one):
    """Time loops by the plans that sizes as small would not get, the layers of the
    golden comparison, and models with every optimiser."""
    loops = root / "test/gpu/loops.rnn"
    names = re.findall(r"`(\S+/loop\d+)` on sm_80", compile_one(loops, "blocks", "--remarks"))
    for name, plan, *options in (("steps", "loop_plan = 1"), ("grids", "loop_plan = grid, loop_blocks = 4, block_threads = 64"),
                                 ("grids64", "loop_plan = grid, loop_blocks = 4, block_threads = 64", "--precision=f64")):
        schedule = folder / f"{name}.txt"
        schedule.write_text("".join(f"{loop}@sm_80: {plan}\n" for loop in dict.fromkeys(names)))
        compile_one(loops, name, f"--schedule={schedule}", *options)
    golden = folder / "golden.rnn"
    exports = ", ".join(f"{name}.{function}" for name in (GOLDEN[2:4] if small else GOLDEN) for function in ("forward", "vjp"))
    golden.write_text((root / "test/Golden/layers.rnn").read_text() + f"\nexport {exports}\n")
    compile_one(golden, "golden")
    compile_one(golden, "golden64", "--precision=f64")
    head, model = (root / "test/Golden/update.rnn.in").read_text().split("model Regression", 1)
    models = "".join(("model Regression" + model).replace("Regression", f"Model{n}").replace("@SETTINGS@", f"optimize {what}\n  {clip}")
                     for n, (what, clip) in enumerate(OPTIMISERS))
    (folder / "updates.rnn").write_text(head + models)
    compile_one(folder / "updates.rnn", "updates", "--precision=f64")


def limited(words, seconds):
    """What became of a command, and what it said."""
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=seconds)
        return done.returncode, done.stdout + done.stderr
    except subprocess.TimeoutExpired:
        return 124, f"it takes more than {seconds} s"


def checked(what, words, seconds):
    """A line about a check, and whether it found nothing wrong."""
    if seconds < 5:
        return f"{what}: did not run, time was over", False
    code, said = limited(words, min(MOST["agree"], seconds))
    told = said.strip().splitlines() or [""]
    return (f"{what}: {told[-1]}" if not code else f"{what}: FAILED: " + "; ".join(told[-12:])[-1500:]), not code


def agrees(folder, small):
    """Every function computes what it computes on a processor; tensor cores round
    factors, and nothing else."""
    began = time.monotonic()
    left = lambda: SUITE_SECONDS - (time.monotonic() - began)
    for library, *options in (s for s in SUITE if not small or s[0] != "updates" or s[1][5] in "03"):
        yield checked(" ".join([library, *options]),
                      [sys.executable, folder / "on_gpu.py", folder / f"lib{library}.so", *options], left())
    for kind in ("tf32", "bf16"):
        yield checked(f"products in {kind}", [sys.executable, folder / "products.py", folder / f"lib{kind}.so", kind], left())


def sanitized(folder, small, left):
    tool = shutil.which("compute-sanitizer") or "/usr/local/cuda/bin/compute-sanitizer"
    for library in ("f32", "lstm_8" if small else "lstm_256", "model0"):
        if small or not os.path.exists(tool) or left() < 10:
            yield "compute-sanitizer did not run" + ("" if left() > 10 else f" on {library}: time was over")
            continue
        code, said = limited([tool, "--error-exitcode", "9", sys.executable, folder / "on_gpu.py", folder / f"lib{library}.so",
                              "--batch", "3", "--time", "3"], min(MOST["sanitizer"], left()))
        yield f"compute-sanitizer, {library}: " + (said[-600:].replace("\n", "; ") if code else "nothing found")


class Clock:
    """Times what is put into a queue, with the device's events."""

    def __init__(self, driver, queue, small):
        self.driver, self.queue, self.small = driver, queue, small
        self.events = [c.c_void_p(), c.c_void_p()]
        for event in self.events:
            driver("cuEventCreate", c.byref(event), 0)

    def once(self, body, count):
        self.driver("cuEventRecord", self.events[0], self.queue)
        for _ in range(count):
            body()
        self.driver("cuEventRecord", self.events[1], self.queue)
        self.driver("cuEventSynchronize", self.events[1])
        taken = c.c_float()
        self.driver("cuEventElapsedTime", c.byref(taken), *self.events)
        return taken.value / count

    def median(self, body):
        first = self.once(body, 1 if self.small else 3)
        count = 1 if self.small else max(1, min(200, int(60 / max(first, 1e-3))))
        return statistics.median(self.once(body, count) for _ in range(1 if self.small else 5))


def bind(folder, name, function, batch, steps, there):
    """A call whose arrays lie on the GPU."""
    import library as lib
    loaded = lib.Library(folder / f"lib{name}.so")
    context, error = lib.memory(loaded.table.context_size()), lib.Error()
    options = lib.Options(1, b"gpu", lib.TASKS(), None)
    if loaded.table.context_init(context.ctypes.data, context.size, c.addressof(options), c.addressof(error)):
        sys.exit(f"no GPU: {error.words()}")
    module = loaded.module(loaded.modules[0]["name"], context)
    if function == "train_step":
        module.start("optimizer")
        if "bptt" in module.about.get("train", {}):
            module.start("carry", batch)
        status = loaded.table.gpu_keep(context.ctypes.data, module.index, module.params.ctypes.data,
                                       module.optimizer.ctypes.data, c.addressof(module.error))
        assert status == lib.OK, module.error.words()
    elif function == "forward":
        assert module.prepare() == lib.OK, module.error.words()
    module.there = there
    names = module.about_function(function)["times"]
    args = lib.random_arguments(module, function, batch, [steps] * len(names))
    args = {key: value for key, value in args.items() if key not in names}  # all are full
    bound = lib.Bound(module, function, batch, [steps] * len(names), 1, 0, (), args)
    assert bound.run() == lib.OK, module.error.words()
    return bound, lambda: loaded.table.context_finish(context.ctypes.data)


def timed(clock, *what):
    bound, close = bind(*what)
    taken = clock.median(bound.run)
    bound.finish()
    close()
    return taken


def run_rows(folder, small, first):
    """Measures from row `first` on; a line for each."""
    sys.path.insert(0, str(folder))
    from cuda import There
    there = There()
    clock = Clock(there.driver, c.c_void_p(there.queue), small)
    print(json.dumps({"device": there.driver.name()}), flush=True)
    for what, body in list(work(folder, small, there))[first:]:
        print(json.dumps({"what": what, **body(clock)}), flush=True)


def rows_of(folder, small, left):
    """What another process measures, row by row; where it fails or is late, another
    one goes on behind that row. First of all: the name of the device."""
    names = [what for what, _ in work(folder, small, None)]
    row, isNamed = 0, False
    while row < len(names):
        words = [sys.executable, folder / "gpu.py", *(["--small"] if small else []), "work", folder, "--first", str(row)]
        with subprocess.Popen(words, stdout=subprocess.PIPE, bufsize=0) as worker:
            while row < len(names):
                ready, _, _ = select.select([worker.stdout], [], [], max(0, min(MOST["row"], left())))
                line = worker.stdout.readline() if ready else b""
                if not line:
                    break
                found = json.loads(line)
                if "what" in found:
                    row += 1
                if "what" in found or not isNamed:
                    yield found
                isNamed = True
            worker.kill()
        if left() <= 0:
            yield {"note": f"time was over before: {names[row]}" if row < len(names) else ""}
            return
        if row < len(names):
            yield {"note": f"{names[row]}: " + ("failed" if ready else f"took more than {MOST['row']} s")}
            row += 1


def look():
    """The name of the GPU; ends where there is none."""
    def need(code, what):
        if code:
            sys.exit(f"nothing to measure: {what} (code {code} of the driver)")
    if not importlib.util.find_spec("numpy"):
        sys.exit("nothing to measure: this Python has no numpy; PYTHON names another")
    try:
        driver = c.CDLL("libcuda.so.1")
    except OSError as error:
        sys.exit(f"nothing to measure: there is no driver: {error}")
    device, text = c.c_int(), c.create_string_buffer(100)
    need(driver.cuInit(0), "the driver finds no GPU")
    need(driver.cuDeviceGet(c.byref(device), 0), "there is no GPU")
    need(driver.cuDeviceGetName(text, 100, device), "the GPU has no name")
    return text.value.decode()


def measure(folder, out, small):
    began = time.monotonic()
    left = lambda: SECONDS - (time.monotonic() - began)
    name, lines, rows, agree = look(), [], [], True

    def keep():
        out.mkdir(parents=True, exist_ok=True)
        (out / "gpu.json").write_text("".join(json.dumps({"device": name, **row}) + "\n" for row in rows))
        (out / "gpu.md").write_text(table(name, lines, rows))

    for line, fine in agrees(folder, small):
        agree &= fine
        lines.append(line)
        print(line, flush=True)
        keep()
    for found in rows_of(folder, small, lambda: left() - (0 if small else MOST["sanitizer"])):
        print(json.dumps(found), flush=True)
        name = found.get("device", name)
        if "what" in found:
            rows.append(found)
        elif found.get("note"):
            lines.append(found["note"])
        keep()
    for line in sanitized(folder, small, left):
        lines.append(line)
        keep()
    print(table(name, lines, rows))
    sys.exit(0 if agree else "numbers are wrong on this GPU: see FAILED above")


def table(name, lines, rows):
    peers = sorted({key for row in rows for key in row if key not in ("what", "rnnc")})
    text = [name, "", *(f"- {line}" for line in lines), "", "| what | rnnc ms | " + " | ".join(f"{p} ms" for p in peers) + " |",
            "|---|---|" + "---|" * len(peers)]
    for row in rows:
        cells = [f"{row[p]:.3g}" if p in row else "" for p in ("rnnc", *peers)]
        text.append("| " + " | ".join([row["what"], *cells]) + " |")
    return "\n".join(text) + "\n"


def work(folder, small, there):
    """What is measured, and how: a function of the clock. A few layers, whole
    models, then all the other layers."""
    def layers(some):
        for cell, h, batch, steps in some:
            for function, what in (("forward", "forward"), ("vjp", "training")):
                def layer(clock, cell=cell, h=h, batch=batch, steps=steps, function=function):
                    return {"rnnc": timed(clock, folder, f"{cell}_{h}", function, batch, steps, there),
                            **peers.layer(cell, h, batch, steps, function)}
                yield f"{cell} {h}, batch {batch}, {steps} steps, {what}", layer

    every = shapes(small)
    yield from layers(every[:5])
    for number, (name, _, _, batch, steps, shape) in enumerate(models(small)):
        def model(clock, number=number, batch=batch, steps=steps, shape=shape):
            return {"rnnc": timed(clock, folder, f"model{number}", "train_step", batch, steps, there),
                    **peers.update(shape, batch, steps)}
        yield f"{name}, batch {batch}, {steps} steps, an update", model
    yield from layers(every[5:])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--small", action="store_true")
    parser.add_argument("do", choices=["look", "prepare", "measure", "work"])
    parser.add_argument("folder", type=pathlib.Path, nargs="?")
    parser.add_argument("out", type=pathlib.Path, nargs="?")
    parser.add_argument("--first", type=int, default=0)
    args = parser.parse_args()
    if args.do == "look":
        print(look())
    elif args.do == "work":
        run_rows(args.folder.resolve(), args.small, args.first)
    elif args.do == "prepare":
        prepare(args.folder, args.small)
    else:
        measure(args.folder.resolve(), args.out, args.small)


if __name__ == "__main__":
    main()
