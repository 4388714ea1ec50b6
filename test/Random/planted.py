"""Each result of each function, spoiled, is named as a difference."""
import subprocess
import sys

SPOILED = """keeps_2_3.forward:out keeps_2_3.forward:state.h keeps_2_3.vjp:out keeps_2_3.vjp:state.h
    keeps_2_3.vjp:grad.x keeps_2_3.vjp:grad.h keeps_2_3.vjp:grad.U keeps_2_3.step:out
    keeps_2_3.step:state.h M.loss:loss M.grad:loss M.grad:grad.r.U M.grad:grad.r.h0
    M.train_step:loss M.train_step:norm M.train_step:r.U M.predict:y M.predict:y.p
    M.predict:z M.predict:z.p M.step:y M.step:z M.step:state.r.h""".split()

for one in SPOILED:
    module, rest = one.split(".", 1)
    function, result = rest.split(":")
    done = subprocess.run(["rnnc-agree", sys.argv[1], "--folder=" + sys.argv[2],
                           "--all-functions", "--thread-counts=1", "--seed=3",
                           f"--spoil={function}:{result}"], capture_output=True, text=True)
    wanted = f"{module}.{function}: "
    assert done.returncode == 5 and wanted in done.stdout, (one, done.returncode, done.stdout,
                                                            done.stderr)
    named = f"`{result}`" in done.stdout or result.startswith("grad.")
    assert named, (one, done.stdout)
print(len(SPOILED), "spoiled results noticed")
