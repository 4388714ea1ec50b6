"""run.py BUILD SECONDS [KIND...]: runs the fuzzers of a sanitized build, all or those of these kinds,
for a time in all, prints how many inputs each of them tried, and fails if one of them found something.
What they find stays in BUILD/fuzz/found, and what they learn in BUILD/fuzz/corpus. The seed is
fresh, or RNNC_FUZZ_SEED."""
import concurrent.futures
import os
import pathlib
import random
import re
import subprocess
import sys
import time

build, seconds = pathlib.Path(sys.argv[1]).resolve(), float(sys.argv[2])
here = pathlib.Path(__file__).resolve().parent
folder = build / "fuzz"
corpus, found = folder / "corpus", folder / "found"
found.mkdir(exist_ok=True)
subprocess.run([sys.executable, str(here / "make_corpus.py"), str(here.parent.parent), str(corpus)],
               check=True)
shares = {"source": 4, "data": 3, "weights": 1, "vectors": 1, "run": 1, "resume": 1}  # of the time
shares = {kind: share for kind, share in shares.items() if kind in sys.argv[3:] or not sys.argv[3:]}
longest = {"source": 6000, "resume": 1 << 14}  # bytes of an input, where it is not 4096
seed = int(os.environ.get("RNNC_FUZZ_SEED", random.SystemRandom().randrange(1, 1 << 31)))
environment = dict(os.environ, ASAN_OPTIONS="detect_leaks=1:allocator_may_return_null=1:"
                   "quarantine_size_mb=32:malloc_context_size=2")
print(f"fuzzing for {seconds:g} s, seed {seed}", flush=True)


def command(kind):
    words = [str(folder / f"rnnc-fuzz-{kind}"), str(corpus / kind)]
    kept = here / "regressions" / kind
    if kept.is_dir():
        words.append(str(kept))
    dictionary = corpus / f"{kind}.dict"
    if dictionary.exists():
        words.append(f"-dict={dictionary}")
    # Two at a time, on a machine of two cores.
    share = max(1, round(2 * seconds * shares[kind] / sum(shares.values())))
    return words + [f"-max_total_time={share}", "-timeout=10", "-rss_limit_mb=2048",
                    f"-max_len={longest.get(kind, 4096)}", f"-seed={seed}",
                    "-print_final_stats=1", f"-artifact_prefix={found}/{kind}-"]


def figure(name, text):
    match = re.search(name + r":\s*(\d+)", text)
    return int(match.group(1)) if match else 0


def fuzz(kind):
    """How many inputs were tried, and whether none of them was a fault."""
    begin = time.monotonic()
    done = subprocess.run(command(kind), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                          env=environment)
    text = done.stderr.decode(errors="replace")
    count = figure("number_of_executed_units", text)
    coverage = re.findall(r"cov: (\d+)", text)[-1:] or ["0"]
    fine = done.returncode == 0 and count > 0
    report = f"{kind}: {count} inputs in {time.monotonic() - begin:.0f} s, {coverage[0]} places reached"
    if not fine:
        kept = re.findall(r"Test unit written to (\S+)", text)
        report += f"\n{text[-6000:]}\n{kind}: FOUND SOMETHING, kept as {' '.join(kept)}"
    print(report, flush=True)
    return count, fine


with concurrent.futures.ThreadPoolExecutor(2) as pool:
    results = list(pool.map(fuzz, sorted(shares, key=shares.get, reverse=True)))
bad = sum(not fine for _, fine in results)
print(f"{sum(count for count, _ in results)} inputs, {bad} fuzzers found something")
sys.exit(1 if bad else 0)
