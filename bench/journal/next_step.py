"""What to do where the folder of a run takes no more: other rights, or room."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable
from pathlib import Path


def shut(folder: Path, names: Iterable[str]) -> list[Path]:
    """Of the folder and those files of it that are there: what this user may not write."""
    paths = (folder, *(folder / name for name in names))
    return [path for path in paths if os.access(path, os.F_OK) and not os.access(path, os.W_OK)]


def rights_to(paths: Iterable[Path]) -> str:
    """The next step where these are shut."""
    return f"a run writes there: chmod u+rwX {shlex.join(map(str, paths))}"


def next_step(folder: Path, names: Iterable[str]) -> str:
    """The next step after something of the folder could not be written."""
    closed = shut(folder, names)
    return rights_to(closed) if closed else "make room on the disk"
