"""oneDNN of the system: Debian's libdnnl-dev is 2.6."""
from peers.onednn import OneDNN, built


class Peer(OneDNN):
    name = "onednn"
    program = built("apt-get install libdnnl-dev")
