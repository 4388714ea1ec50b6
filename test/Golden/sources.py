"""The programs of the golden comparison, as files: those of compare.py and the others.

    sources.py FOLDER"""
import pathlib
import shutil
import sys

import numpy as np

from compare import HERE, source_of


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    written = set()
    for case in sorted((HERE / "data").glob("*.npz")):
        text, _ = source_of(case, np.load(case))
        if text not in written:  # ragged or not
            (folder / f"{case.stem}.rnn").write_text(text)
        written.add(text)
    for path in HERE.glob("*.rnn"):
        if "\nexport " in path.read_text() or "\nmodel " in path.read_text():
            shutil.copy(path, folder)


if __name__ == "__main__":
    main()
