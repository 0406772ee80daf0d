"""Opens plain files only: a pipe that nobody writes to, or a device without end, is no file."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from errno import EINVAL, ENXIO
from pathlib import Path
from typing import BinaryIO, Final

from bench.errors import BenchError

_KINDS: Final = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
)


class NotPlain(OSError):
    """`strerror`: "expected a file, got a pipe"."""


def open_plain(path: Path) -> BinaryIO:
    """The file open for reading; never waits for a writer. Raises `NotPlain`, or `OSError` where
    it cannot be opened.
    """
    try:
        # Not to wait for a pipe that nobody writes to; looked at only once it is open.
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except ValueError as error:  # a NUL in its name
        raise OSError(EINVAL, str(error)) from None
    except OSError as error:
        if error.errno == ENXIO:  # as a socket says it
            raise NotPlain(ENXIO, "expected a file, got a socket or a device") from None
        raise
    mode = os.fstat(handle).st_mode
    if not stat.S_ISREG(mode):
        os.close(handle)
        raise NotPlain(EINVAL, _expected(mode))
    return os.fdopen(handle, "rb")


def refuse_others(folder: Path, names: Iterable[str]) -> None:
    """Before files of these names are written. Raises `BenchError` where a folder, a pipe or the
    like is there: to open a pipe for writing waits for a reader, and no signal ends that.
    """
    for path in (folder / name for name in names):
        try:
            mode = path.stat().st_mode
        except OSError:
            continue  # what opens it says so
        if not (stat.S_ISREG(mode) or stat.S_ISCHR(mode)):
            raise BenchError(
                f"{path}: {_expected(mode)}", hint="move it away, and give the same command again"
            )


def _expected(mode: int) -> str:
    kind = next((name for is_one, name in _KINDS if is_one(mode)), "a device")
    return f"expected a file, got {kind}"
