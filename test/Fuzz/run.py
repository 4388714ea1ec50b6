"""run.py BUILD SECONDS: runs the fuzzers of a sanitized build for a time in all, prints how many
inputs each of them tried, and fails if one of them found something. BUILD/fuzz holds them; what
they find stays in BUILD/fuzz/found. A finding is repeated with `BUILD/fuzz/rnnc-fuzz-NAME FILE`;
mended ones live on in test/Fuzz/regressions/NAME."""
import os
import pathlib
import random
import re
import subprocess
import sys

build, seconds = pathlib.Path(sys.argv[1]).resolve(), float(sys.argv[2])
here = pathlib.Path(__file__).resolve().parent
folder = build / "fuzz"
found = folder / "found"
found.mkdir(exist_ok=True)
corpus = folder / "corpus"
subprocess.run([sys.executable, str(here / "make_corpus.py"), str(here.parent.parent), str(corpus)],
               check=True)
kinds = {"source": 4, "data": 4, "weights": 1, "run": 1}  # and their share of the time
seed = int(os.environ.get("RNNC_FUZZ_SEED", random.SystemRandom().randrange(1, 1 << 31)))
environment = dict(os.environ, ASAN_OPTIONS="detect_leaks=1:allocator_may_return_null=1")
jobs, failed, total = [], [], 0
print(f"seed {seed}", flush=True)


def command(kind, share):
    words = [str(folder / f"rnnc-fuzz-{kind}"), str(corpus / kind)]
    kept = here / "regressions" / kind
    if kept.is_dir():
        words.append(str(kept))
    dictionary = corpus / f"{kind}.dict"
    if dictionary.exists():
        words.append(f"-dict={dictionary}")
    return words + [f"-max_total_time={max(1, int(share))}", "-timeout=10", "-rss_limit_mb=2500",
                    "-malloc_limit_mb=2000", "-max_len=4096", f"-seed={seed}",
                    "-print_final_stats=1", f"-artifact_prefix={found}/{kind}-"]


def finish(kind, process):
    global total
    text = process.communicate()[1].decode(errors="replace")
    match = re.search(r"number_of_executed_units:\s*(\d+)", text)
    count = int(match.group(1)) if match else 0
    total += count
    print(f"{kind}: {count} inputs" + ("" if process.returncode == 0 else ", FOUND SOMETHING"),
          flush=True)
    if process.returncode or not count:
        failed.append(kind)
        print(text[-4000:])


# Two at a time, on a machine of two cores: long ones beside the short ones.
pairs = [("source", "data"), ("weights", "run")]
whole = sum(max(kinds[name] for name in pair) for pair in pairs)
for pair in pairs:
    running = [(kind, subprocess.Popen(command(kind, seconds * kinds[kind] / whole),
                                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                       env=environment)) for kind in pair]
    for kind, process in running:
        finish(kind, process)
print(f"{total} inputs, {len(failed)} fuzzers found something")
sys.exit(1 if failed else 0)
