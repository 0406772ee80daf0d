"""A laboratory on loopback: labgrid's own coordinator and exporter, a power switch, and a bench.

The bench's devices are hosted by `smets1-bench emulate` in a process of its own; the exporter
offers them as network serial ports, one of them by RFC 2217.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from bench.labgrid_place.client import PROGRAM, PROGRAM_VARIABLE
from tests.e2e.bench_on_ports import COMMAND, DEVICES, lay_out
from tests.labgrid.said import Said
from tests.transport.real_ports import Rfc2217Server

PLACE = "rack-3"
BY_RFC2217 = "display"
MAINS = {"electricity": "mains-meter", "hub": "mains-hub"}

SUITE = """\
suite: at-a-place
scenarios:
  - scenario: commissioned
    about: both keys are rotated
    installation: da-dual-fuel
    parties:
      smso: {transfer-takes: 20ms, take-back-takes: 20ms, files-after: FILES}
      requesting-party: {submits-after: 20ms}
      suppliers: {Northern Energy: {authorises-after: 20ms}}
    defaults: {settle-interval: 300ms, wake-wait: 100ms}
    expect: {outcome: commissioned, account: DCC, keys: {electricity: new, gas: new}}
"""


def labgrid_client() -> str | None:
    return shutil.which(os.environ.get(PROGRAM_VARIABLE) or PROGRAM)


needs_labgrid = pytest.mark.skipif(
    labgrid_client() is None,
    reason=f"{PROGRAM} is neither on the PATH nor in {PROGRAM_VARIABLE}: make labgrid installs it",
)


class PowerSwitch:
    """Answers as labgrid's `simplerest` expects; `on` holds how each outlet is."""

    def __init__(self) -> None:
        self.on = {"0": True, "1": True}
        self.stuck = False
        switch = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                _, index, *value = self.path.strip("/").split("/")
                if value and not switch.stuck:
                    switch.on[index] = value[0] == "1"
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"1" if switch.on[index] else b"0")

            def log_message(self, *said: object) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@dataclass
class Lab:
    """`coordinator` is HOST:PORT, `said` what it prints."""

    folder: Path
    coordinator: str
    said: Said
    mains: PowerSwitch

    def client(self, *words: str, name: str = "a-person") -> str:
        done = subprocess.run(
            [str(labgrid_client()), "-x", self.coordinator, *words],
            env={**os.environ, "LG_USERNAME": name},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout + done.stderr

    def holder(self) -> str:
        """Who holds the place, as HOST/USER; empty where nobody does."""
        said = self.client("-p", PLACE, "show")
        (line,) = [line for line in said.splitlines() if line.strip().startswith("acquired:")]
        name = line.partition(":")[2].strip()
        return "" if name == "None" else name

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "SMETS1_BENCH_LOCK_DIR": str(self.folder), "CI": "1"}

    def start(self, *words: str) -> subprocess.Popen[str]:
        """`smets1-bench`, in a session of its own as a service would be."""
        return subprocess.Popen(
            [*COMMAND, *words],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def bench(self, *words: str) -> tuple[int, str]:
        with self.start(*words) as process:
            said = process.communicate()[0]
        return process.returncode, said


def _free_ports(number: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(number)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _write_stations(folder: Path, ports: dict[str, int], coordinator: str) -> None:
    """`host.yaml`, whose devices are hosted, and `bench.yaml`, which knows the place only.

    Of the suites `suite.yaml` can be run once, since the hosted meters keep the keys they get;
    `slow.yaml` waits for minutes, `idle.yaml` has nothing for this bench.
    """
    lay_out(folder)
    text = (folder / "bench.yaml").read_text(encoding="utf-8").partition("kit:")[0]
    here = there = text
    for name in DEVICES:
        was = f"port: {folder / name}\n"
        assert was in text
        there = there.replace(was, f"port: labgrid:{name}\n")
        if name != BY_RFC2217:
            here = here.replace(was, f"port: socket://127.0.0.1:{ports[name]}\n")
    feeds = ", ".join(f"{device}: {resource}" for device, resource in MAINS.items())
    place = f"labgrid: {{place: {PLACE}, coordinator: '{coordinator}', feeds: {{{feeds}}}}}\n"
    (folder / "host.yaml").write_text(here, encoding="utf-8")
    (folder / "bench.yaml").write_text(there + place, encoding="utf-8")
    (folder / "suite.yaml").write_text(SUITE.replace("FILES", "20ms"), encoding="utf-8")
    (folder / "slow.yaml").write_text(SUITE.replace("FILES", "10min"), encoding="utf-8")
    idle = SUITE.replace("da-dual-fuel", "ea-dual-fuel").replace("FILES", "20ms")
    (folder / "idle.yaml").write_text(idle, encoding="utf-8")


def _exported(ports: dict[str, int], mains: PowerSwitch) -> str:
    lines = [f"{PLACE}:"]
    for name, number in ports.items():
        protocol = "rfc2217" if name == BY_RFC2217 else "raw"
        lines.append(
            f"  {name}: {{cls: NetworkSerialPort, host: 127.0.0.1, port: {number}, "
            f"protocol: {protocol}}}"
        )
    for index, name in enumerate(MAINS.values()):
        url = f"http://127.0.0.1:{mains.port}/relay/{{index}}/{{value}}"
        lines.append(
            f"  {name}: {{cls: NetworkPowerPort, model: simplerest, host: '{url}', index: {index}}}"
        )
    return "\n".join(lines) + "\n"


@contextmanager
def laboratory(folder: Path) -> Iterator[Lab]:
    programs = Path(str(labgrid_client())).parent
    with ExitStack() as stack:

        def start(*words: str | Path) -> Said:
            process = subprocess.Popen(
                [str(word) for word in words],
                cwd=folder,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            stack.callback(process.wait)
            stack.callback(process.terminate)
            assert process.stdout is not None
            return Said(process.stdout)

        mains = PowerSwitch()
        stack.callback(mains.close)
        said = start(programs / "labgrid-coordinator", "-l", "127.0.0.1:0")
        lab = Lab(folder, said.until("listening on").split()[-1], said, mains)
        numbers = dict(zip(DEVICES, _free_ports(len(DEVICES)), strict=True))
        _write_stations(folder, numbers, lab.coordinator)
        host = start(*COMMAND, "emulate", "host.yaml", "--awake", "--no-pacing", "--json")
        for name in DEVICES:
            host.until(f'"ready": "{name}"')
        server = Rfc2217Server(folder / BY_RFC2217)
        stack.callback(server.kit.close)
        numbers[BY_RFC2217] = server.kit.tcp_port
        (folder / "exporter.yaml").write_text(_exported(numbers, mains), encoding="utf-8")
        words = ("-c", lab.coordinator, "-n", "exporter", "--hostname", "127.0.0.1")
        exporter = start(programs / "labgrid-exporter", *words, "exporter.yaml")
        exporter.until("connected to coordinator")
        lab.client("-p", PLACE, "create")
        lab.client("-p", PLACE, "add-match", f"exporter/{PLACE}/*")
        yield lab
