"""What rnnc is measured beside; each module has a class Peer."""
