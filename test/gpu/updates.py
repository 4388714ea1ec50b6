"""Twenty updates of every optimiser, and of every way to clip, on a GPU and on a
processor, in f64.

    updates.py DRIVER_FOLDER [NUMBER_OF_PAIRS]"""
import os
import subprocess
import sys

here = os.path.dirname(os.path.abspath(__file__))
PAIRS = [
    ("sgd(lr = 0.1)", "clip global_norm 0.1"),
    ("sgd(lr = 0.05, momentum = 0.9)", "clip value 0.02"),
    ("sgd(lr = 0.05, momentum = 0.9, nesterov = 1)", "clip norm 0.05"),
    ("adam(lr = 0.01)", "clip adaptive 0.02"),
    ("adamw(lr = 0.01, decay = 0.1)", "clip value 0.05\n  clip global_norm 0.1"),
    ("rmsprop(lr = 0.01)", ""),
    ("adagrad(lr = 0.05)", "clip global_norm 0.1"),
]


def main():
    with open(os.path.join(here, "..", "Golden", "update.rnn.in")) as file:
        model = file.read()
    place = dict(os.environ, LD_LIBRARY_PATH=sys.argv[1])
    for number, (optimiser, clip) in enumerate(PAIRS):
        source, library = f"update{number}.rnn", f"libupdate{number}.so"
        with open(source, "w") as file:
            file.write(model.replace("@SETTINGS@", f"optimize {optimiser}\n  {clip}"))
        subprocess.check_call(["rnnc", source, "--target=cpu,nvptx64", "-march=x86-64-v3", "-O0",
                               "--precision=f64", "-o", library])
        for more in ([], ["--keep"]):
            done = subprocess.run([sys.executable, os.path.join(here, "on_gpu.py"), library, "train_step", "--steps", "20",
                                   *more], text=True, capture_output=True, env=place)
            assert done.returncode == 0, (optimiser, clip, more, done.stdout, done.stderr)
    print(len(PAIRS), "optimisers agree after twenty updates")


if __name__ == "__main__":
    main()
