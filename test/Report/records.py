"""records.py FOLDER: the records of a training, with text that is markup in all places."""
import json
import pathlib
import sys

BAD = "<script>alert(\"1\")</script> & 'x'"
folder = pathlib.Path(sys.argv[1], "first")
folder.mkdir(parents=True)
log = [{"step": 0, "epoch": 0, "state_gradients": {"net.h": {"distance": [0, 1, 2], "norm": [1, 0.5, 0.25]}}}]
for step, (loss, norm) in enumerate([(2.0, 0.5), (1.5, 2.0), ("nan", "nan"), (1.0, 3.0)], 1):
    log.append({"step": step, "epoch": 0, "loss": loss, "norm": norm, "norms": {BAD: norm}, "rate": 0.1 / step,
                "tokens": 100, "seconds": 0.5 * step})
log.append({"step": 2, "epoch": 0, "valid": {"loss": 1.7, "accuracy": 0.5}, "seconds": 1})
log.append({"step": 4, "epoch": 1, "valid": {"loss": 1.2, "accuracy": 0.75}, "seconds": 2})
log.append({"step": 4, "epoch": 1, "state_gradients": {"net.h": {"distance": [0, 1, 2, 3, 4], "norm": [1, 0.1, 0.01, 0.001, 1e-4]}}})
(folder / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in log))
confusion = {"accuracy": 0.75, "labels": ["good", BAD], "confusion": [[5, 1], [2, 4]]}
(folder / "report.json").write_text(json.dumps({
    "steps": 4, "train_loss": 1.0, "skipped": 1, "parameters": 12345, "tokens_per_second": 200.5,
    "settings": {"clip": [{"kind": "global_norm", "limit": 1}], "optimize": {"name": "adam"}},
    "valid": {"loss": 1.2, "accuracy": 0.75, "outputs": {BAD: confusion}}}))
(folder / "options.json").write_text(json.dumps({"model": BAD}))
(folder / "examples.json").write_text(json.dumps({
    "part": "test",
    "examples": [
        {"place": BAD + ":3", "inputs": {"words": ["a", BAD, "c"]},
         "outputs": {"tag": {"truth": ["X", "Y", "X"], "predicted": ["X", BAD, "X"]}},
         "attention": {"look": {"rows": "T", "columns": "S", "weights": [[0.1, 0.2, 0.7], [0.5, 0.25, 0.25]]}}},
        {"place": "d:4", "inputs": {"text": ["a", "b"]},
         "outputs": {"mood": {"truth": "good", "predicted": BAD, "probabilities": {"good": 0.4, BAD: 0.6}}}}],
    "forecast": {"y": {"truth": [1, 2, 3.5], "predicted": [1.1, 2.2, 3], "scale": [0.1, 0.2, 0.3]}},
    "samples": [{"seed": 1, "text": "once \u0001 upon " + BAD}]}))
