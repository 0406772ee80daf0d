"""Emulated devices hosted by the installed command in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.demo_keys import demo_key
from bench.devices import KeySlot
from bench.secret import Secret
from drivers.profiles.dlms_keys import MeterKeys, demo_meter_keys

COMMAND = Path(sys.executable).with_name("smets1-bench")


class Emulated:
    """The process; `ready` holds its first lines by device, read before anything else happens."""

    def __init__(self, *arguments: str, lines: int = 1) -> None:
        self.process = subprocess.Popen(
            [str(COMMAND), "emulate", *arguments, "--json"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.ready: dict[str, dict[str, Any]] = {}
        assert self.process.stdout is not None
        for _ in range(lines):
            line = self.process.stdout.readline()
            if not line:
                break
            said = json.loads(line)
            self.ready[said["ready"]] = said
        if len(self.ready) < lines:
            raise AssertionError(self.process.communicate()[1])

    def address(self, name: str) -> str:
        """As a station file writes the port."""
        port: str = self.ready[name]["port"]
        return port if port.startswith("/") else f"socket://{port}"

    def keys(self, name: str) -> MeterKeys:
        return demo_meter_keys(self.ready[name]["eui64"])

    def sua(self, name: str) -> Secret:
        return demo_key(self.ready[name]["eui64"], KeySlot.SUA)

    def stop(self, number: int = signal.SIGTERM) -> dict[str, dict[str, int]]:
        """What each device says at the end that it carried out."""
        self.process.send_signal(number)
        out, err = self.process.communicate()
        assert (self.process.returncode, err) == (0, "")
        said = [json.loads(line) for line in out.splitlines()]
        return {line["stopped"]: line["executed"] for line in said}

    def kill(self) -> None:
        """As the kernel does it: nothing is tidied up."""
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def emulate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Emulated]]:
    monkeypatch.setenv("SMETS1_BENCH_LOCK_DIR", str(tmp_path / "locks"))
    (tmp_path / "locks").mkdir(mode=0o700)
    started: list[Emulated] = []

    def start(*arguments: str, lines: int = 1) -> Emulated:
        started.append(Emulated(*arguments, lines=lines))
        return started[-1]

    yield start
    for emulated in started:
        if emulated.process.poll() is None:
            os.kill(emulated.process.pid, signal.SIGKILL)
        emulated.process.communicate()
