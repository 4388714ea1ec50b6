"""odd.py FOLDER: records in which nothing is of the type that it should be."""
import json
import pathlib
import sys

folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True)
odd = [None, True, -1, 1e308, "text", [], [[]], {}, {"a": [1, {}]}]
keys = ["loss", "norm", "rate", "tokens", "seconds", "valid", "state_gradients"]
lines = [{"step": i * 10.5, **{key: value for key in keys}} for i, value in enumerate(odd)]
lines += [{"step": 1, "state_gradients": {"h": value}} for value in odd]
lines += [{"step": 1, "state_gradients": {"h": {"distance": value, "norm": value}}} for value in odd]
lines += [{"step": 1, "valid": {"loss": value, "accuracy": value}} for value in odd]
(folder / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
for name, inner in [("report", ["valid", "test", "settings", "failed", "skipped"]), ("options", ["model"]),
                    ("examples", ["examples", "forecast", "samples", "part"])]:
    for value in odd:
        (folder / f"{name}.json").write_text(json.dumps({key: value for key in inner}))
nested = {"examples": [*odd, *({"inputs": v, "outputs": v, "attention": v, "place": v} for v in odd),
                       *({"inputs": {"a": v}, "outputs": {"b": v}, "attention": {"c": v}} for v in odd),
                       *({"inputs": {"a": v}, "outputs": {"b": {"truth": v, "predicted": w}},
                          "attention": {"c": {"weights": v}}} for v in odd for w in odd)],
          "forecast": {"x": {"truth": ["a", None], "predicted": [{}, 2]}, "y": 3}, "samples": odd}
(folder / "examples.json").write_text(json.dumps(nested))
report = {"test": {"outputs": {f"o{i}": {"labels": v, "confusion": v} for i, v in enumerate(odd)}},
          "settings": {"clip": odd + [{"kind": "global_norm", "limit": "x"}], "optimize": []}}
(folder / "report.json").write_text(json.dumps(report))
