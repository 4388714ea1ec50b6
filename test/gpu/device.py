"""The verbs of rnnc on a GPU and on a processor: the same losses, checkpoints that
go on on the other device, the same figures and draws, and what is said where
there is no GPU.

    device.py EXAMPLES FOLDER_OF_TESTS DRIVER"""
import json
import os
import subprocess
import sys

examples, tests, driver = sys.argv[1:]
PLACE = dict(os.environ, LD_LIBRARY_PATH=driver)
CHARLM = [f"{examples}/char-lm/charlm.rnn", "-D", "E=6", "-D", "H=8", "-O0", "--data", "a.txt", "--batch", "4"]
MOODS = [f"{examples}/sentiment/bilstm.rnn", "-D", "E=5", "-D", "H=6", "-O0", "--data", "moods.tsv", "--batch", "8"]


def rnnc(*words, code=0, place=PLACE):
    run = subprocess.run(["rnnc", *words], text=True, capture_output=True, env=place)
    assert run.returncode == code, (words, run.returncode, run.stdout, run.stderr)
    return run.stdout if code == 0 else run.stderr


def losses(folder):
    with open(f"{folder}/log.jsonl") as file:
        return [line["loss"] for line in map(json.loads, file) if "loss" in line]


def close(name, here, there, bound):
    assert len(here) == len(there) and here, (name, len(here), len(there))
    worst = max(abs(x - y) / abs(x) for x, y in zip(here, there))
    assert worst <= bound, (name, worst, here, there)
    print(f"{name}: {len(here)} numbers within {bound}", flush=True)


def train(what, folder, device, steps, *more):
    rnnc("train", *what, "--device", device, "--steps", str(steps), "--out", folder, "--quiet", *more)


def trainings():
    """Twenty updates on each device, and ten here that go on there."""
    for name, what in ("charlm", CHARLM), ("moods", MOODS):
        for device in "cpu", "gpu":
            train(what, f"{name}.{device}", device, 20)
        close(f"{name}: losses of training", losses(f"{name}.cpu"), losses(f"{name}.gpu"), 1e-5)
    for first, second in ("cpu", "gpu:0"), ("gpu", "cpu"):
        folder = f"moods.{first}.on"
        train(MOODS, folder, first, 10)
        train(MOODS, folder, second, 20, "--resume")
        close(f"moods: begun on {first}, ended on {second}", losses("moods.cpu"), losses(folder), 1e-5)


def copied(steps):
    """Bytes that a training of so many updates copies to the device and from it."""
    what = [f"{examples}/sentiment/bilstm.rnn", "-D", "E=16", "-D", "H=24", "-O0", "--data", "moods.tsv", "--batch", "8"]
    place = dict(PLACE, RNNC_PTX_LOG=f"{steps}.log")
    rnnc("train", *what, "--device", "gpu", "--steps", str(steps), "--out", f"copies.{steps}", "--quiet", "--json", place=place)
    with open(f"{steps}.log") as file:
        words = next(line for line in file if line.startswith("copies:")).replace(",", "").split()
    return int(words[5]), int(words[14])


def copies():
    """Parameters and optimiser state stay on the device between updates."""
    few, many = copied(4), copied(10)
    to, back = ((y - x) / 6 for x, y in zip(few, many))
    with open("copies.10/report.json") as file:
        size = 4 * json.load(file)["parameters"]
    assert to < size / 10 and back < size / 10, (to, back, size)
    print("copies: an update takes a tenth of the parameters' bytes at most", flush=True)
    print(f"  {to:.0f} bytes to the device and {back:.0f} from it; the parameters have {size}", flush=True)


def uses():
    """What reads a training, whichever device it was made on."""
    figures = [json.loads(rnnc("eval", f"moods.{made}", "--data", "moods.tsv", "--json", "--device", device))
               for made in ("cpu", "gpu") for device in ("cpu", "gpu")]
    close("eval", [f["loss"] for f in figures[1:]], [figures[0]["loss"]] * 3, 1e-5)
    said = {rnnc("sample", f"charlm.{made}", "--prompt", "ab", "--length", "12", "--seed", "3", "--device", device)
            for made in ("cpu", "gpu") for device in ("cpu", "gpu")}
    assert len(said) == 1, said
    print("sample: the same text", flush=True)
    labels = [rnnc("predict", "moods.gpu", "a b c d", "h g", "--device", device) for device in ("cpu", "gpu")]
    assert [line.split("\t")[0] for line in labels[0].splitlines()] == \
        [line.split("\t")[0] for line in labels[1].splitlines()], labels
    print("predict: the same labels", flush=True)
    source = f"{tests}/gpu/device.rnn"
    print(rnnc("gradcheck", source, "--device", "gpu", "--batch", "2", "--steps", "3"), end="", flush=True)
    rows = [json.loads(line) for line in
            rnnc("bench", source, "Small.loss", "--device", "gpu", "--length", "2", "--min-time", "0.001", "--max-time",
                 "0.002", "-O1", "--json").splitlines()]
    assert [row["device"] for row in rows] == ["gpu"], rows
    subprocess.check_call([sys.executable, f"{tests}/Driver/arrays.py", "in.npz", "x:f4=1,2,3:1,2,3,4,5,6", "y:f4=1:1"])
    for device in "cpu", "gpu":
        rnnc("run", source, "Small.train_step", "--in", "in.npz", "--seed", "4", "-O1", "--device", device, "--out", f"{device}.npz")
    subprocess.check_call([sys.executable, f"{tests}/Driver/same.py", "cpu.npz", "gpu.npz", "1e-5"])
    print("bench and run: on the GPU", flush=True)


def refusals():
    source = f"{tests}/gpu/device.rnn"
    run = ["run", source, "Small.train_step", "--in", "in.npz", "-O1", "--device"]
    without = dict(os.environ, LD_LIBRARY_PATH="")
    for words, code, place, said in (
            (run + ["gpu"], 3, without, "cannot make a context: device 0: there is no driver: libcuda.so.1"),
            (run + ["gpu"], 3, dict(PLACE, RNNC_PTX_NO_DEVICE="1"), "device 0: the driver does not start: no CUDA-capable device is detected"),
            (run + ["gpu:1"], 3, PLACE, "device 1: there is no such device: the machine has 1"),
            (run + ["gpu"], 3, dict(PLACE, RNNC_PTX_CAPABILITY="7.5"), "it is sm_75, and the code is for sm_80"),
            (run + ["gpu"], 3, dict(PLACE, RNNC_PTX_FAIL="cuLaunchKernel:3=719"), "`Small.train_step` failed: device 0: "),
            (run + ["gpu", "--threads", "2"], 2, PLACE, "--threads 2 is for a processor, and --device gpu is none"),
            (run + ["gpu:x"], 2, PLACE, "`gpu:x` is none of cpu, gpu and gpu:N"),
            (run + ["gpu1"], 2, PLACE, "`gpu1` is none of cpu, gpu and gpu:N"),
            (run + ["gpu", "--reference"], 2, PLACE, "--device"),
            (["bench", source, "--tune", "t", "--device", "gpu"], 2, PLACE, "--device"),
            (["run", "libcpu.so", "Small.loss", "--in", "in.npz", "--device", "gpu"], 2, PLACE,
             "libcpu.so: error: cannot make a context: the library has no code for GPUs: --target=cpu,nvptx64 makes it"),
            (["train", source, "--data", "in.npz", "--out", "none", "--cuda"], 2, PLACE, "`--device gpu`")):
        text = rnnc(*words, code=code, place=place)
        assert said in text, (words, said, text)
    train(MOODS, "moods.cpu.copy", "cpu", 3)
    text = rnnc("eval", "moods.cpu.copy", "--data", "moods.tsv", "--device", "gpu", code=3, place=without)
    assert "there is no driver" in text, text
    text = rnnc("train", *MOODS, "--device", "gpu", "--steps", "3", "--out", "nothing", code=3, place=without)
    assert "there is no driver" in text and not os.path.exists("nothing"), text
    print("what is wrong is said", flush=True)


if __name__ == "__main__":
    subprocess.check_call([sys.executable, f"{tests}/Driver/text.py", "a.txt"])
    subprocess.check_call([sys.executable, f"{tests}/Driver/moods.py", "moods.tsv", "96", "1"])
    rnnc(f"{tests}/gpu/device.rnn", "-march=x86-64-v3", "-O1", "-o", "libcpu.so")
    trainings()
    copies()
    uses()
    refusals()
