"""ONNX Runtime on its LSTM, GRU and RNN operators, other cells by a Scan; forward only."""
import onnxruntime

from peers import onnx_model
from peers.timing import best_ms


class Peer:
    name, modes = "onnxruntime", ("forward",)

    @staticmethod
    def can(shape):
        return True

    def __init__(self, shape, weights, x, cot, folder):
        self.threads, self.sessions = 1, {}
        self.model = onnx_model.model(shape, weights)
        self.feed = onnx_model.feed(shape, x)

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
        return best_ms(lambda: session.run(None, self.feed), seconds)
