"""trace.py LOG REPORT: what a training logged about the gradients of its states."""
import json
import sys

lines = [json.loads(line) for line in open(sys.argv[1])]
looks = [line for line in lines if "state_gradients" in line]
print("looks at", [line["step"] for line in looks])
trace = looks[-1]["state_gradients"]["net.h"]
print(len(trace["norm"]), "distances, from", int(trace["distance"][0]), "to", int(trace["distance"][-1]))
assert all(norm > 0 for norm in trace["norm"]), trace
print("rates", [line["rate"] for line in lines if "rate" in line])
report = json.load(open(sys.argv[2]))["state_gradients"]
assert report["first"] == looks[0]["state_gradients"] and report["last"] == looks[-1]["state_gradients"]
