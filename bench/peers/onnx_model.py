"""A layer as an ONNX model: its LSTM, GRU and RNN operators, or a Scan around a cell that it does not have.

The model reads `x` [T, B, H], and `lengths` if they are ragged; the weights are constants of it.
"""
import numpy as np
from onnx import TensorProto, helper, numpy_helper

OPERATORS = {"lstm": "LSTM", "peephole": "LSTM", "gru": "GRU", "rnn_tanh": "RNN"}
# Where each of our gates stands in the operator's order: i o f c, z r h.
ORDER = {"LSTM": [0, 3, 1, 2], "GRU": [1, 0, 2], "RNN": [0]}


def feed(shape, x):
    values = {"x": np.ascontiguousarray(x.transpose(1, 0, 2))}
    return values if shape.lengths is None else {**values, "lengths": shape.lengths}


class Graph:
    """Nodes as they are added, and their constants."""

    def __init__(self):
        self.nodes, self.constants = [], []

    def constant(self, name, value):
        kind = np.float32 if np.issubdtype(value.dtype, np.floating) else np.int64
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value, kind), name))
        return name

    def add(self, operator, inputs, outputs, **attributes):
        """Inputs and outputs as words of a string; `-` is an input that is left out."""
        inputs = ["" if word == "-" else word for word in inputs.split()]
        self.nodes.append(helper.make_node(operator, inputs, outputs.split(), **attributes))

    def model(self, shape, output):
        s, tensor = shape, helper.make_tensor_value_info
        inputs = [tensor("x", TensorProto.FLOAT, [s.steps, s.batch, s.hidden])]
        if s.ragged:
            inputs.append(tensor("lengths", TensorProto.INT32, [s.batch]))
        outputs = [tensor(output, TensorProto.FLOAT, [s.steps, s.batch, s.outputs])]
        graph = helper.make_graph(self.nodes, "layer", inputs, outputs, self.constants)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()


def model(shape, weights):
    if shape.cell in OPERATORS:
        return operators(shape, weights)
    return {"ln_lstm": ln_lstm, "minimal_gru": minimal_gru}[shape.cell](
        shape, {name.split(".")[1]: value for name, value in weights.items()})


def operator_weights(shape, weights, parts, kind):
    """The operator's weights, both directions one above the other."""
    order, h = ORDER[kind], shape.hidden
    gates = lambda name: np.stack([
        np.atleast_2d(weights[f"{p}.{name}"]).reshape(len(order), h, -1)[order].reshape(len(order) * h, -1)
        for p in parts])
    first = gates("b")[..., 0]
    second = gates("d")[..., 0] if kind == "GRU" else np.zeros_like(first)
    values = {"W": gates("W"), "R": gates("U"), "B": np.concatenate([first, second], 1)}
    if shape.cell == "peephole":  # i o f
        values["P"] = np.stack([weights[f"{p}.P"][[0, 2, 1]].reshape(-1) for p in parts])
    return values


def operators(shape, weights):
    graph, kind, value = Graph(), OPERATORS[shape.cell], "x"
    extra = {"linear_before_reset": 1} if kind == "GRU" else {}
    graph.constant("shape", np.array([shape.steps, shape.batch, shape.outputs]))
    for k, parts in enumerate([shape.parts] if shape.both else [[part] for part in shape.parts]):
        given = operator_weights(shape, weights, parts, kind)
        names = {name: graph.constant(f"{name}{k}", array) for name, array in given.items()}
        inputs = f"{value} {names['W']} {names['R']} {names['B']} {'lengths' if shape.ragged else '-'}"
        graph.add(kind, inputs + (f" - - {names['P']}" if "P" in names else ""), f"y{k}", hidden_size=shape.hidden,
                  direction="bidirectional" if shape.both else "forward", **extra)
        graph.add("Transpose", f"y{k}", f"t{k}", perm=[0, 2, 1, 3])
        graph.add("Reshape", f"t{k} shape", f"v{k}")
        value = f"v{k}"
    return graph.model(shape, value)


def scan(graph, shape, body, states, width):
    """A loop over `xs` whose step, `body`, makes h2 (and c2) of xt, h (and c); its model."""
    tensor = lambda name, size: helper.make_tensor_value_info(name, TensorProto.FLOAT, [shape.batch, size])
    body.add("Identity", "h2", "y")
    step = helper.make_graph(
        body.nodes, "step", [*(tensor(s, shape.hidden) for s in states), tensor("xt", width)],
        [*(tensor(s + "2", shape.hidden) for s in states), tensor("y", shape.hidden)], body.constants)
    graph.constant("zero", np.zeros((shape.batch, shape.hidden)))
    graph.add("Scan", "zero " * len(states) + "xs", " ".join(f"last_{s}" for s in states) + " ys", body=step,
              num_scan_inputs=1)
    return graph.model(shape, "ys")


def normalised(graph, value, result, shape, gain, leading):
    """Layer norm of each gate of `value` [leading.., gates * H], times `gain` [gates, H]."""
    gates = gain.size // shape.hidden
    graph.constant(f"{result}_one", np.ones(shape.hidden))
    graph.constant(f"{result}_gain", gain.reshape(gates, shape.hidden))
    graph.constant(f"{result}_split", np.array([*leading, gates, shape.hidden]))
    graph.constant(f"{result}_flat", np.array([*leading, gates * shape.hidden]))
    graph.add("Reshape", f"{value} {result}_split", f"{result}_s")
    graph.add("LayerNormalization", f"{result}_s {result}_one", f"{result}_n", epsilon=1e-5)
    graph.add("Mul", f"{result}_n {result}_gain", f"{result}_g")
    graph.add("Reshape", f"{result}_g {result}_flat", result)


def ln_lstm(shape, p):
    h, graph, body = shape.hidden, Graph(), Graph()
    graph.constant("W", p["W"].reshape(4 * h, h).T)
    graph.constant("b", p["b"].reshape(4 * h))
    graph.add("MatMul", "x W", "xw")
    normalised(graph, "xw", "xn", shape, p["gx"], [shape.steps, shape.batch])
    graph.add("Add", "xn b", "xs")
    body.constant("U", p["U"].reshape(4 * h, h).T)
    body.constant("bc", p["bc"])
    body.add("MatMul", "h U", "hu")
    normalised(body, "hu", "hn", shape, p["gh"], [shape.batch])
    body.add("Add", "xt hn", "z")
    body.add("Split", "z", "zi zf zg zo", axis=1)
    for gate in "ifo":
        body.add("Sigmoid", f"z{gate}", gate)
    body.add("Tanh", "zg", "g")
    body.add("Mul", "f c", "kept")
    body.add("Mul", "i g", "new")
    body.add("Add", "kept new", "c2")
    normalised(body, "c2", "cn", shape, p["gc"], [shape.batch])
    body.add("Add", "cn bc", "cb")
    body.add("Tanh", "cb", "ct")
    body.add("Mul", "o ct", "h2")
    return scan(graph, shape, body, ["h", "c"], 4 * h)


def minimal_gru(shape, p):
    h, graph, body = shape.hidden, Graph(), Graph()
    graph.constant("W", np.concatenate([p["Wf"], p["Wn"]]).T)
    graph.constant("b", np.concatenate([p["bf"], p["bn"]]))
    graph.add("MatMul", "x W", "xw")
    graph.add("Add", "xw b", "xs")
    body.constant("Uf", p["Uf"].T)
    body.constant("Un", p["Un"].T)
    body.add("Split", "xt", "xf xn", axis=1)
    body.add("MatMul", "h Uf", "hf")
    body.add("Add", "xf hf", "zf")
    body.add("Sigmoid", "zf", "f")
    body.add("Mul", "f h", "fh")
    body.add("MatMul", "fh Un", "hn")
    body.add("Add", "xn hn", "zn")
    body.add("Tanh", "zn", "n")
    body.add("Sub", "n h", "d")
    body.add("Mul", "f d", "fd")
    body.add("Add", "h fd", "h2")
    return scan(graph, shape, body, ["h"], 2 * h)
