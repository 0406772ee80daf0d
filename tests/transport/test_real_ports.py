"""The same transport over a pty, raw TCP, RFC 2217 and a caller that dials in."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from real_ports import PATIENCE, Adapter, Rfc2217Server, TcpKit, read_exactly

from bench.clock import Cancellation, Cancelled, WallClock
from bench.errors import Busy, PortGone
from bench.units import MILLISECOND
from drivers.transport.address import PortAddress
from drivers.transport.emulated import PortRegistry
from drivers.transport.line import LineSettings
from drivers.transport.opening import _ListenOpener, open_transport
from drivers.transport.pipe import Transport
from drivers.transport.pty_line import IntendedLine, PtyPort, read_intended, sidecar
from drivers.transport.stream import StreamTransport

LINE = LineSettings.parse("115200 7E1")
EVERY_OCTET = bytes(range(256))


@pytest.fixture
def opened(clock: WallClock, tmp_path: Path) -> Callable[[str], Transport]:
    return lambda port: open_transport(port, LINE, clock, locks=tmp_path)


def until_gone(transport: Transport) -> bytes:
    got = b""
    deadline = transport.clock.now() + PATIENCE
    try:
        while data := transport.read(deadline):
            got += data
    except PortGone:
        return got
    raise AssertionError("the port is still there")


def test_a_pty_carries_every_octet_both_ways(
    adapter: Adapter, opened: Callable[[str], Transport]
) -> None:
    with opened(str(adapter.path)) as transport:
        before = transport.clock.now()
        transport.write(EVERY_OCTET)
        assert adapter.heard(256) == EVERY_OCTET
        adapter.say(EVERY_OCTET)
        assert read_exactly(transport, 256) == EVERY_OCTET
        assert before <= transport.received_at <= transport.clock.now()


def test_silence_on_a_real_port_is_empty_and_an_old_deadline_takes_what_is_there(
    adapter: Adapter, opened: Callable[[str], Transport]
) -> None:
    with opened(str(adapter.path)) as transport:
        deadline = transport.clock.now() + 20 * MILLISECOND
        assert transport.read(deadline) == b""
        assert transport.clock.now() >= deadline
        assert transport.read(0) == b""


@pytest.mark.parametrize("answered", range(5))
def test_a_pulled_adapter_is_gone_at_each_octet_and_comes_back(
    answered: int, adapter: Adapter, opened: Callable[[str], Transport]
) -> None:
    with opened(str(adapter.path)) as transport:
        answer = b"abcd"[:answered]
        if answer:
            adapter.say(answer)
        assert read_exactly(transport, answered) == answer
        adapter.unplug()
        assert until_gone(transport) == b""
        with pytest.raises(PortGone, match="usb-meter is gone"):
            transport.write(b"x")
        with pytest.raises(PortGone, match="cannot be opened"):
            transport.reopen(transport.clock.now() + 60 * MILLISECOND)
        with pytest.raises(PortGone, match="not open"):
            transport.read(0)
        back = threading.Thread(target=adapter.plug)
        back.start()
        transport.reopen(transport.clock.now() + PATIENCE)
        back.join()
        transport.write(b"again")
        assert adapter.heard(5) == b"again"
        adapter.say(b"here")
        assert read_exactly(transport, 4) == b"here"


def test_a_pty_is_opened_8n1_and_means_something_else_by_octet(
    adapter: Adapter, clock: WallClock, tmp_path: Path
) -> None:
    told: list[IntendedLine] = []
    ports = PortRegistry()
    ports.register_pty("meter", PtyPort(adapter.path, told.append))
    slow, fast = LineSettings.parse("9600 7E1"), LineSettings.parse("115200 7O1")
    with open_transport("pty:meter", slow, clock, emulated=ports, locks=tmp_path) as transport:
        transport.write(b"/?!\r\n")
        transport.set_line(fast)
        transport.write(b"rest")
        assert adapter.heard(9) == b"/?!\r\nrest"
        assert told[-1].changes == ((0, slow), (5, fast))
        beside = read_intended(adapter.path)
        assert beside == told[-1]
        assert [beside.at(octet) for octet in (0, 4, 5, 9)] == [slow, slow, fast, fast]
    with open_transport("pty:meter", slow, clock, emulated=ports, locks=tmp_path):
        assert told[-1].changes == ((0, slow),)
        assert told[-1].session != beside.session


def test_a_pty_of_another_process_is_found_in_its_folder(
    adapter: Adapter, clock: WallClock, tmp_path: Path
) -> None:
    ports = PortRegistry(adapter.path.parent)
    with open_transport("pty:usb-meter", LINE, clock, emulated=ports, locks=tmp_path) as transport:
        transport.write(b"hello")
        assert adapter.heard(5) == b"hello"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"session":"x","changes":[]}',
        '{"session":"x","changes":[[0,"fast"]]}',
        "[" * 9000,
    ],
)
def test_an_unreadable_sidecar_says_nothing(tmp_path: Path, text: str) -> None:
    sidecar(tmp_path / "meter").write_text(text)
    assert read_intended(tmp_path / "meter") is None


def test_a_port_nobody_empties_is_given_up(
    adapter: Adapter, clock: WallClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drivers.transport.channel._STUCK_AFTER", 0.05)
    line = LineSettings.parse("4000000 8N1")
    with (
        open_transport(str(adapter.path), line, clock, locks=tmp_path) as transport,
        pytest.raises(PortGone, match="takes no octets"),
    ):
        transport.write(bytes(100_000))


def test_a_flood_nobody_reads_stays_bounded(
    opened: Callable[[str], Transport], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drivers.transport.reader._UNREAD_AT_MOST", 1000)
    kit = TcpKit(lambda caller: caller.sendall(bytes(300_000)))
    try:
        with opened(f"socket://127.0.0.1:{kit.tcp_port}") as transport:
            assert read_exactly(transport, 300_000) == bytes(300_000)
    finally:
        kit.close()


class Babbler:
    """A channel that always has a hundred octets more."""

    has_line = False
    shared = True

    def __init__(self) -> None:
        self.asked = 0
        self.full = threading.Event()

    def receive(self, timeout: float | None) -> bytes:
        self.asked += 1
        if self.asked == 10:
            self.full.set()
        return bytes(100)

    def interrupt(self) -> None: ...

    def send(self, data: bytes, line_time: float) -> None: ...

    def set_line(self, settings: LineSettings) -> None: ...

    def close(self) -> None: ...

    def dispose(self) -> None: ...


def test_the_reader_stops_reading_what_nobody_takes(
    clock: WallClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drivers.transport.reader._UNREAD_AT_MOST", 1000)
    channel = Babbler()
    transport = StreamTransport("x", lambda line: channel, LINE, clock, released=lambda: None)
    assert channel.full.wait(10)
    transport.close()
    assert channel.asked == 10


def test_raw_tcp_carries_every_octet_and_a_hang_up_is_a_port_gone(
    opened: Callable[[str], Transport],
) -> None:
    def answer_once(caller: socket.socket) -> None:
        caller.sendall(caller.recv(256, socket.MSG_WAITALL)[::-1])

    kit = TcpKit(answer_once)
    try:
        with opened(f"socket://127.0.0.1:{kit.tcp_port}") as transport:
            for _ in range(2):
                transport.write(EVERY_OCTET)
                assert until_gone(transport) == EVERY_OCTET[::-1]
                with pytest.raises(PortGone, match="is gone") as gone:
                    transport.write(b"x")
                assert gone.value.hint == "start what is behind the port"
                transport.reopen(transport.clock.now() + PATIENCE)
    finally:
        kit.close()


def test_a_device_server_that_is_not_there_is_a_port_gone(
    opened: Callable[[str], Transport],
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        tcp_port = closed.getsockname()[1]
    for scheme in ("socket", "rfc2217"):
        with pytest.raises(PortGone, match="refused") as gone:
            opened(f"{scheme}://127.0.0.1:{tcp_port}")
        assert gone.value.hint == "start what is behind the port"


def test_rfc2217_carries_every_octet_and_the_settings(
    adapter: Adapter, opened: Callable[[str], Transport]
) -> None:
    server = Rfc2217Server(adapter.path)
    try:
        with opened(f"rfc2217://127.0.0.1:{server.kit.tcp_port}") as transport:
            transport.write(EVERY_OCTET)
            assert adapter.heard(256) == EVERY_OCTET
            adapter.say(EVERY_OCTET)
            assert read_exactly(transport, 256) == EVERY_OCTET
            assert server.settings[-1] == (115200, 7, "E")
            transport.set_line(LineSettings.parse("300 8N1"))
            transport.write(b"x")
            assert adapter.heard(1) == b"x"
            assert server.settings[-1] == (300, 8, "N")
            adapter.unplug()
            assert until_gone(transport) == b""
    finally:
        server.kit.close()


def test_kit_dials_in_hangs_up_and_dials_in_again(clock: WallClock) -> None:
    tcp_port = free_port()
    calls: list[socket.socket] = []

    def dial() -> None:
        while True:
            try:
                calls.append(socket.create_connection(("127.0.0.1", tcp_port), timeout=10))
                return
            except ConnectionRefusedError:
                continue

    def dialled(act: Callable[[], object]) -> None:
        kit = threading.Thread(target=dial)
        kit.start()
        act()
        kit.join(10)

    transports: list[Transport] = []
    dialled(
        lambda: transports.append(
            open_transport(f"listen:{tcp_port}", LINE, clock, until=clock.now() + PATIENCE)
        )
    )
    with transports[0] as transport:
        for again in (True, False):
            transport.write(b"hello")
            assert calls[-1].recv(5, socket.MSG_WAITALL) == b"hello"
            calls[-1].sendall(b"there")
            assert read_exactly(transport, 5) == b"there"
            calls[-1].close()
            assert until_gone(transport) == b""
            if again:
                dialled(lambda: transport.reopen(clock.now() + PATIENCE))


def test_the_newest_caller_is_the_live_one(clock: WallClock) -> None:
    tcp_port = free_port()
    with pytest.raises(PortGone, match="nobody has dialled in"):
        open_transport(f"listen::{tcp_port}", LINE, clock)
    listening = _ListenOpener(PortAddress.parse(f"listen:{tcp_port}"))
    stale = socket.create_connection(("127.0.0.1", tcp_port), timeout=10)
    live = socket.create_connection(("127.0.0.1", tcp_port), timeout=10)
    with StreamTransport("listen", listening, LINE, clock, released=listening.close) as transport:
        transport.write(b"x")
        assert live.recv(1) == b"x"
        assert stale.recv(1) == b""
    stale.close()
    live.close()


def test_somebody_else_listens_there(clock: WallClock) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as other,
        pytest.raises(Busy, match="listens there already"),
    ):
        open_transport(f"listen:{other.getsockname()[1]}", LINE, clock)


def test_cancelling_wakes_a_reader(adapter: Adapter, clock: WallClock, tmp_path: Path) -> None:
    token = Cancellation()
    with open_transport(
        str(adapter.path), LINE, clock, locks=tmp_path, cancellation=token
    ) as transport:
        other = threading.Thread(target=token.cancel, args=("stop",))
        other.start()
        with pytest.raises(Cancelled):
            transport.read(clock.now() + PATIENCE)
        other.join()


def test_no_adapter_there(clock: WallClock, tmp_path: Path) -> None:
    with pytest.raises(PortGone, match="no-such-port cannot be opened"):
        open_transport(str(tmp_path / "no-such-port"), LINE, clock, locks=tmp_path)
    with pytest.raises(PortGone, match="no ports found"):
        open_transport("hwgrep://no-such-adapter", LINE, clock, locks=tmp_path)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as briefly:
        return int(briefly.getsockname()[1])
