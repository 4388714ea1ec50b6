"""OpenVINO on the same ONNX model as ONNX Runtime; forward only.

Its reader of ONNX drops the weights of peepholes, so the check leaves that layer out.
"""
import openvino

from peers import onnx_model
from peers.timing import best_ms


class Peer:
    name, modes = "openvino", ("forward",)

    @staticmethod
    def can(shape):
        return True

    def __init__(self, shape, weights, x, cot, folder):
        self.threads, self.requests = 1, {}
        self.core = openvino.Core()
        self.model = self.core.read_model(onnx_model.model(shape, weights), b"")
        self.feed = onnx_model.feed(shape, x)

    def request(self):
        if self.threads not in self.requests:
            # Its default precision is bf16 where the processor has it.
            options = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": self.threads,
                       "INFERENCE_PRECISION_HINT": "f32"}
            request = self.core.compile_model(self.model, "CPU", options).create_infer_request()
            for name, value in self.feed.items():
                request.set_tensor(name, openvino.Tensor(value))
            self.requests[self.threads] = request
        return self.requests[self.threads]

    def results(self):
        request = self.request()
        request.infer()
        return {"out": request.get_output_tensor(0).data.transpose(1, 0, 2).copy()}

    def time(self, mode, seconds):
        return best_ms(self.request().infer, seconds)
