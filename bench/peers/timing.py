"""The best time of a call, as each peer that is called from Python takes it."""
import os
import time


def best_ms(call, seconds):
    """Calls once unmeasured, then at least once, until `seconds` have passed."""
    call()
    best, end = 1e9, time.perf_counter() + seconds
    while time.perf_counter() < end or best == 1e9:
        start = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - start)
    return 1e3 * best


def cores(threads):
    """Numbers of as many cores as there are threads, for what runs in a process of its own."""
    return sorted(os.sched_getaffinity(0))[:threads]
