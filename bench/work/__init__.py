"""What programs.py measures: each module has WORK, names and what they stand for, and `measure`."""
import dataclasses


@dataclasses.dataclass
class Row:
    """Seconds a call of each program, or bytes; `words` in a call, where a rate is shown."""
    work: str
    what: str
    threads: int
    values: dict
    words: float = 0

    @property
    def ahead(self):
        peers = [value for name, value in self.values.items() if name != "rnnc"]
        return min(peers) / self.values["rnnc"] if peers else None

    def text(self, name):
        value = self.values.get(name)
        if value is None:
            return ""
        if self.what == "memory":
            return f"{value / 1e6:.1f} MB"
        if self.words:
            return f"{self.words / value:.0f} words/s"
        return f"{1e3 * value:.3g} ms" if value >= 1e-4 else f"{1e6 * value:.3g} µs"
