"""Where a run keeps its captures."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from bench.errors import BenchError, UsageError
from drivers.capture.records import CaptureFile, Happening, Noted
from drivers.capture.tee import CapturingTransport
from drivers.transport.pipe import Transport

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", re.ASCII)


def captured(
    transport: Transport, folder: Path, device: str, scenario: str = ""
) -> CapturingTransport:
    """`transport` with everything stored in `folder`/captures/`device`.jsonl.

    The file is added to, so a device that is opened again goes on in it; `scenario` says in it
    what it is opened for. Closing the transport closes the file.
    """
    if _NAME.fullmatch(device) is None:
        raise UsageError(f"a device's name is letters, digits and _.-, got {device!r}")
    captures = folder / "captures"
    try:
        captures.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise BenchError(f"cannot make the folder {captures}: {error.strerror}") from error
    file = CaptureFile(captures / f"{device}.jsonl")
    if scenario:
        now = transport.clock.now()
        file.store(Noted(now, transport.port, Happening.SCENARIO, scenario))
    return CapturingTransport(transport, file, finished=file.close)
