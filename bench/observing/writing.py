"""The file that an observation is written to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.errors import BenchError, Problem, UsageError
from bench.trace import Event, TraceWriter


@contextmanager
def new_trace(path: Path) -> Iterator[Callable[[Event], None]]:
    """Each event is in the file when the call returns. `UsageError`: the file exists already;
    `BenchError`: it cannot be written.
    """
    try:
        file = path.open("x", encoding="utf-8", newline="\n")
    except FileExistsError:
        raise UsageError(
            Problem(str(path), "exists already"), hint="an observation is a trace of its own"
        ) from None
    except OSError as error:
        raise BenchError(f"{path}: cannot be written: {error.strerror}") from None
    writer = TraceWriter(file)

    def emit(event: Event) -> None:
        try:
            writer.write(event)
        except OSError as error:
            raise BenchError(f"{path}: cannot be written: {error.strerror}") from None

    with file:
        try:
            yield emit
        finally:
            if not file.tell():  # nothing was hosted
                path.unlink()
