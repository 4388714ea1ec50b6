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
        self.module = torch.compile(self.module)

    def results(self):
        torch.set_num_threads(self.threads)  # the code that it makes is for so many
        return super().results()
