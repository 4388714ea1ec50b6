"""How much larger workspaces are for more steps: vocabulary.py FEW.json MANY.json."""
import json
import sys


def workspaces(path):
    with open(path) as file:
        return json.load(file)["sizes"][0]["workspace_bytes"]


few, many = map(workspaces, sys.argv[1:])
grown = {name: (many[name] - few[name]) / 1e6 for name in few}
print("loss grows by less than 2 MB:", grown["loss"] < 2)
print("grad grows by less than 16 MB:", grown["grad"] < 16)
print("whole grows by 400 MB or more:", grown["predict"] >= 400)
