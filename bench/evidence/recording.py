"""What a run writes down of itself while it goes on, so that a pack can be made of it.

The trace, the software it runs on, and checkpoints; copies of what it reads are `inputs`' matter.
"""

from __future__ import annotations

import platform
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from bench.evidence.checkpoints import CheckpointWriter
from bench.evidence.contents import CHECKPOINTS, CLOCK, ENVIRONMENT, TRACE
from bench.evidence.signing import Signer, canonical
from bench.plain_file import refuse_others
from bench.tool_identity import software
from bench.trace import Event, to_json
from bench.units import MINUTE, Micros

LINES: Final = 500
"""A checkpoint is due after so many lines …"""

SPAN: Final[Micros] = 10 * MINUTE
"""… or, on the wall clock, with the first event this long after the one before."""


class Recording:
    """The trace of a run with its checkpoints. Each line is in its file when `write` returns.

    `span`: on a clock that waits, a checkpoint is due also this long after the one before; None
    on a clock that jumps, where days pass in no time. `again`: of a run that is taken up, what is
    there stays there if it ends, by an exception, before it has come that far again.
    """

    def __init__(
        self,
        folder: Path,
        signer: Signer | None = None,
        span: Micros | None = None,
        *,
        again: bool = False,
    ) -> None:
        self._folder = folder
        self._signer = signer
        self._span = span
        self._again = again
        self._before: dict[Path, bytes] = {}
        self._files = ExitStack()
        self._latest: Micros = 0
        self._marked: Micros | None = None

    def __enter__(self) -> Recording:
        """Begins the files anew. Raises `OSError`, or `BenchError` where a pipe is in the place of
        one.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        refuse_others(self._folder, (TRACE, CHECKPOINTS, ENVIRONMENT, CLOCK))
        if self._again:
            files = (self._folder / name for name in (TRACE, CHECKPOINTS))
            self._before = {path: path.read_bytes() for path in files if path.exists()}
        about = {"host": platform.node(), "software": software()}
        (self._folder / ENVIRONMENT).write_bytes(canonical(about))
        self._trace = self._files.enter_context((self._folder / TRACE).open("wb", buffering=0))
        points = self._files.enter_context((self._folder / CHECKPOINTS).open("wb"))
        self._points = CheckpointWriter(points, self._signer)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._files.close()
        for path, content in self._before.items():
            if kind is not None and content.startswith(path.read_bytes()):
                path.write_bytes(content)

    def write(self, event: Event) -> None:
        """Adds the event to the trace. Raises `OSError`."""
        line = (to_json(event) + "\n").encode("utf-8")
        self._trace.write(line)
        self._points.add(line)
        self._latest = max(self._latest, event.at)
        if self._marked is None:
            self._marked = event.at
        late = self._span is not None and event.at - self._marked >= self._span
        if late or self._points.unmarked >= LINES:
            self.checkpoint()

    def checkpoint(self) -> None:
        """Writes down how far the trace is."""
        self._points.mark(self._latest)
        self._marked = self._latest

    def finish(self) -> None:
        """The run has ended: nothing may be written after it."""
        self._points.mark(self._latest, last=True)
