"""ONNX Runtime on its LSTM, GRU and RNN operators; forward only."""
import time

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

OPERATORS = {"lstm": "LSTM", "peephole": "LSTM", "gru": "GRU", "rnn_tanh": "RNN"}
# Where each of our gates stands in the operator's order: i o f c, z r h.
ORDER = {"LSTM": [0, 3, 1, 2], "GRU": [1, 0, 2], "RNN": [0]}


class Peer:
    name, modes = "onnxruntime", ("forward",)

    @staticmethod
    def can(shape):
        return shape.cell in OPERATORS

    def __init__(self, shape, weights, x, cot, folder):
        self.shape, self.weights, self.threads = shape, weights, 1
        self.model = self.build().SerializeToString()
        self.sessions = {}
        self.feed = {"x": np.ascontiguousarray(x.transpose(1, 0, 2))}
        if shape.lengths is not None:
            self.feed["lengths"] = shape.lengths

    def constants(self, parts, kind):
        """The operator's weights, both directions one above the other."""
        order, s = ORDER[kind], self.shape
        gates = lambda name: np.stack([
            np.atleast_2d(self.weights[f"{p}.{name}"]).reshape(len(order), s.hidden, -1)[order].reshape(
                len(order) * s.hidden, -1) for p in parts])
        first = gates("b")[..., 0]
        second = gates("d")[..., 0] if kind == "GRU" else np.zeros_like(first)
        values = {"W": gates("W"), "R": gates("U"), "B": np.concatenate([first, second], 1)}
        if s.cell == "peephole":  # i o f
            values["P"] = np.stack([self.weights[f"{p}.P"][[0, 2, 1]].reshape(-1) for p in parts])
        return values

    def build(self):
        s, kind = self.shape, OPERATORS[self.shape.cell]
        nodes, constants, value = [], [], "x"
        groups = [s.parts] if s.both else [[part] for part in s.parts]
        for k, parts in enumerate(groups):
            given = self.constants(parts, kind)
            constants += [numpy_helper.from_array(v.astype(np.float32), f"{n}{k}") for n, v in given.items()]
            inputs = [value, f"W{k}", f"R{k}", f"B{k}", "lengths" if s.ragged else ""]
            if "P" in given:
                inputs += ["", "", f"P{k}"]
            extra = {"linear_before_reset": 1} if kind == "GRU" else {}
            nodes.append(helper.make_node(kind, inputs, [f"y{k}"], hidden_size=s.hidden,
                                          direction="bidirectional" if s.both else "forward", **extra))
            nodes += [helper.make_node("Transpose", [f"y{k}"], [f"t{k}"], perm=[0, 2, 1, 3]),
                      helper.make_node("Reshape", [f"t{k}", "shape"], [f"v{k}"])]
            value = f"v{k}"
        constants.append(numpy_helper.from_array(np.array([s.steps, s.batch, s.outputs], np.int64), "shape"))
        inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [s.steps, s.batch, s.hidden])]
        if s.ragged:
            inputs.append(helper.make_tensor_value_info("lengths", TensorProto.INT32, [s.batch]))
        output = helper.make_tensor_value_info(value, TensorProto.FLOAT, [s.steps, s.batch, s.outputs])
        graph = helper.make_graph(nodes, "layer", inputs, [output], constants)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)

    def session(self):
        if self.threads not in self.sessions:
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = self.threads
            self.sessions[self.threads] = onnxruntime.InferenceSession(
                self.model, options, providers=["CPUExecutionProvider"])
        return self.sessions[self.threads]

    def results(self):
        return {"out": self.session().run(None, self.feed)[0].transpose(1, 0, 2)}

    def time(self, mode, seconds):
        session = self.session()
        session.run(None, self.feed)
        best, end = 1e9, time.perf_counter() + seconds
        while time.perf_counter() < end or best == 1e9:
            start = time.perf_counter()
            session.run(None, self.feed)
            best = min(best, time.perf_counter() - start)
        return 1e3 * best
