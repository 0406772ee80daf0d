"""`identify` against pymodbus' own server, which is independent of our emulators.

`pytest -s` prints the version.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pymodbus
import pytest
from click.testing import CliRunner
from pymodbus import FramerType, ModbusDeviceIdentification
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from bench.cli import main
from drivers.profiles.profile import read_profile


@contextmanager
def served(identity: ModbusDeviceIdentification) -> Iterator[int]:
    """The server's TCP port; Modbus RTU frames over it. Unit 2 has registers and four coils."""
    ready, stopped = threading.Event(), threading.Event()
    ports: list[int] = []
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    async def serve() -> None:
        words = [SimData(0, values=[2304, 1512, 70, 0], datatype=DataType.REGISTERS)]
        bits = [SimData(0, values=[True] * 16, datatype=DataType.BITS)]
        device = SimDevice(2, simdata=(bits, bits, words, words))
        server = ModbusTcpServer(
            [device], framer=FramerType.RTU, identity=identity, address=("127.0.0.1", 0)
        )
        await server.serve_forever(background=True)
        transport = server.transport
        assert isinstance(transport, asyncio.Server)
        ports.append(int(transport.sockets[0].getsockname()[1]))
        ready.set()
        await stop.wait()
        await server.shutdown()  # type: ignore[no-untyped-call]
        stopped.set()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield ports[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        assert stopped.wait(10)
        thread.join(10)


def test_a_pymodbus_server_is_identified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    print(f"pymodbus {pymodbus.__version__}")
    monkeypatch.setenv("SMETS1_BENCH_LOCK_DIR", str(tmp_path))
    identity = ModbusDeviceIdentification(  # type: ignore[no-untyped-call]
        info_name={"VendorName": "Acme", "ProductCode": "RB16", "MajorMinorRevision": "4.2"}
    )
    out = tmp_path / "kit.yaml"
    with served(identity) as tcp_port:
        arguments = ["--line", "9600 8N1", "--protocol", "modbus", "--units", "2"]
        where = f"socket://127.0.0.1:{tcp_port}"
        done = CliRunner().invoke(main, ["identify", where, *arguments, "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert "unit 2: vendor Acme, product RB16, revision 4.2" in done.stdout
    assert read_profile(str(out)).modbus is not None
