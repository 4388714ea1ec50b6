"""PyTorch's compiler on the loops of cells that it does not have; it unrolls them, which takes minutes."""
import torch

from peers import torch_peer


class Peer(torch_peer.Peer):
    name = "torch_compile"

    @staticmethod
    def can(shape):
        return shape.cell in torch_peer.Loop.STEPS

    def __init__(self, shape, weights, x, cot, folder):
        super().__init__(shape, weights, x, cot, folder)
        # It compiles for each number of threads, mode and layer; past a limit it would run the loop uncompiled.
        torch._dynamo.reset()
        torch._dynamo.config.recompile_limit = 64
        torch._dynamo.config.fail_on_recompile_limit_hit = True
        self.module = torch.compile(self.module)

    def results(self):
        torch.set_num_threads(self.threads)  # the code that it makes is for so many
        return super().results()
