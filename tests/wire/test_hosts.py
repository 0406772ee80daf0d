"""Hosts on the wall clock: what a client writes reaches the device as a UART would hear it."""

from __future__ import annotations

import os
import socket
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bench.clock import WallClock
from bench.errors import BenchError, PortGone
from bench.units import MILLISECOND, SECOND, Micros
from drivers.transport.line import LineSettings, Parity
from drivers.transport.opening import open_transport
from emulators.wire.hosts import Hosting
from emulators.wire.tcp_end import TcpEnd
from emulators.wire.wire_end import WireEnd

LINE = LineSettings(9600)


class Device:
    """Keeps what it hears with the time it came; answers `?` with `!`."""

    def __init__(self, host: WireEnd) -> None:
        self.heard: list[tuple[Micros, bytes]] = []
        self._host = host
        host.attach(self)

    def receive(self, data: bytes, at: Micros) -> None:
        self.heard.append((at, data))
        if data.endswith(b"?"):
            self._host.send(b"!")

    @property
    def octets(self) -> bytes:
        return b"".join(data for _, data in self.heard)


@pytest.fixture
def clock() -> WallClock:
    return WallClock()


@pytest.fixture
def hosting(clock: WallClock) -> Iterator[Hosting]:
    with Hosting(clock) as hosting:
        yield hosting


def await_(clock: WallClock, ready: Callable[[], bool]) -> None:
    assert clock.wait(ready, clock.now() + 10 * SECOND), "nothing came of it"


def test_a_pty_carries_both_ways_and_is_found_by_its_link(
    hosting: Hosting, clock: WallClock, tmp_path: Path
) -> None:
    host = hosting.pty(tmp_path / "meter", LINE)
    device = Device(host)
    with open_transport(str(host.path), LINE, clock, locks=tmp_path) as client:
        client.write(b"who?")
        assert client.read(clock.now() + 10 * SECOND) == b"!"
    assert device.octets == b"who?"
    assert host.path.is_symlink()
    hosting.close()
    assert list(tmp_path.glob("meter*")) == [], "no link and no settings are left behind"


def test_a_foreign_client_needs_to_state_no_settings(hosting: Hosting, tmp_path: Path) -> None:
    host = hosting.pty(tmp_path / "meter", LineSettings(300, 7, Parity.EVEN))
    Device(host)
    client = os.open(host.path, os.O_RDWR | os.O_NOCTTY)
    os.write(client, b"?")
    assert os.read(client, 10) == b"!"
    os.close(client)


def test_octets_take_the_time_of_their_line_in_short_pieces(
    hosting: Hosting, clock: WallClock, tmp_path: Path
) -> None:
    host = hosting.pty(tmp_path / "meter", LINE)
    device = Device(host)
    with open_transport(str(host.path), LINE, clock, locks=tmp_path) as client:
        before = clock.now()
        client.write(bytes(96))
        await_(clock, lambda: len(device.octets) == 96)
    assert device.heard[-1][0] - before >= LINE.span(96) == 100 * MILLISECOND
    assert max(len(data) for _, data in device.heard) <= 5, "at most 5 ms of line"


def test_wrong_settings_are_not_understood_and_the_right_ones_are(
    hosting: Hosting, clock: WallClock, tmp_path: Path
) -> None:
    host = hosting.pty(tmp_path / "meter", LINE)
    device = Device(host)
    with open_transport(str(host.path), LineSettings(300), clock, locks=tmp_path) as client:
        client.write(b"hello")
        client.set_line(LINE)
        client.write(b"hello?")
        await_(clock, lambda: device.octets.endswith(b"hello?"))
        assert device.octets.count(b"hello") == 1, "not at 300 baud"
        assert client.read(clock.now() + 10 * SECOND) == b"!"
        host.line = LineSettings(4800)
        await_(clock, lambda: host.sent_by <= clock.now())
        client.discard_input()
        host.send(b"hello")
        assert client.read(clock.now() + SECOND) != b"hello"


def test_counting_begins_anew_with_each_opening(
    hosting: Hosting, clock: WallClock, tmp_path: Path
) -> None:
    host = hosting.pty(tmp_path / "meter", LINE, paced=False)
    device = Device(host)
    for number in (1, 2, 3):
        with open_transport(str(host.path), LINE, clock, locks=tmp_path) as client:
            client.write(b"abc")
            client.set_line(LineSettings(2400))
            client.set_line(LINE)
            client.write(b"de?")
            await_(clock, lambda n=number: device.octets == b"abcde?" * n)  # type: ignore[misc]


def test_an_adapter_that_is_pulled_comes_back_under_its_name(
    hosting: Hosting, clock: WallClock, tmp_path: Path
) -> None:
    host = hosting.pty(tmp_path / "meter", LINE)
    device = Device(host)
    with open_transport(str(host.path), LINE, clock, locks=tmp_path) as client:
        host.unplug()
        with pytest.raises(PortGone):
            client.read(clock.now() + 10 * SECOND)
        with pytest.raises(PortGone):
            client.reopen(clock.now() + 60 * MILLISECOND)
        host.plug()
        client.reopen(clock.now() + 10 * SECOND)
        client.write(b"back?")
        assert client.read(clock.now() + 10 * SECOND) == b"!"
    assert device.octets == b"back?"


def test_what_nobody_reads_is_lost_and_blocks_nobody(
    hosting: Hosting, clock: WallClock, tmp_path: Path
) -> None:
    host = hosting.pty(tmp_path / "meter", LINE, paced=False)
    for _ in range(100):
        host.send(bytes(4096))
    other = hosting.pty(tmp_path / "other", LINE)
    Device(other)
    with open_transport(str(other.path), LINE, clock, locks=tmp_path) as client:
        client.write(b"?")
        assert client.read(clock.now() + 10 * SECOND) == b"!"


def test_a_file_in_the_way_is_not_replaced(hosting: Hosting, tmp_path: Path) -> None:
    (tmp_path / "meter").write_text("mine")
    with pytest.raises(BenchError, match="not a symlink"):
        hosting.pty(tmp_path / "meter", LINE)
    assert stat.S_ISREG((tmp_path / "meter").lstat().st_mode)


def test_a_symlink_to_something_else_is_not_replaced(hosting: Hosting, tmp_path: Path) -> None:
    (tmp_path / "meter").symlink_to("/etc/hostname")
    with pytest.raises(BenchError, match="not a symlink of a hosted device"):
        hosting.pty(tmp_path / "meter", LINE)
    assert (tmp_path / "meter").readlink() == Path("/etc/hostname")


def test_the_symlink_of_a_killed_host_is_replaced(hosting: Hosting, tmp_path: Path) -> None:
    (tmp_path / "meter").symlink_to("/dev/pts/99999")
    hosting.pty(tmp_path / "meter", LINE)
    assert (tmp_path / "meter").readlink() != Path("/dev/pts/99999")


def test_what_took_the_symlinks_place_is_left_alone(hosting: Hosting, tmp_path: Path) -> None:
    end = hosting.pty(tmp_path / "meter", LINE)
    (tmp_path / "meter").unlink()
    (tmp_path / "meter").write_text("mine")
    end.close()
    assert (tmp_path / "meter").read_text() == "mine"


def test_a_name_too_long_is_the_benchs_fault(hosting: Hosting, tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="File name too long"):
        hosting.pty(tmp_path / ("m" * 300), LINE)


def called(end: TcpEnd) -> socket.socket:
    return socket.create_connection((end.host, end.tcp_port), timeout=10)


def test_tcp_carries_both_ways_for_one_client_after_the_other(hosting: Hosting) -> None:
    host = hosting.tcp()
    Device(host)
    for _ in range(3):
        with called(host) as client:
            client.sendall(b"?")
            assert client.recv(10) == b"!"


def test_the_newest_tcp_client_has_the_line(hosting: Hosting) -> None:
    host = hosting.tcp()
    Device(host)
    with called(host) as older, called(host) as newer:
        newer.sendall(b"?")
        assert newer.recv(10) == b"!"
        assert older.recv(10) == b"", "hung up"


def test_tcp_stays_on_this_machine_unless_told_otherwise(hosting: Hosting) -> None:
    assert hosting.tcp().address.startswith("127.0.0.1:")
    assert hosting.tcp(host="0.0.0.0").host == "0.0.0.0"


def test_a_tcp_port_that_is_taken(hosting: Hosting) -> None:
    taken = hosting.tcp().tcp_port
    with pytest.raises(BenchError, match="in use"):
        hosting.tcp(taken)


def test_many_lines_need_one_thread(clock: WallClock, tmp_path: Path) -> None:
    before = threading.active_count()
    with Hosting(clock) as hosting:
        hosts = [hosting.pty(tmp_path / str(number), LINE) for number in range(50)]
        assert threading.active_count() == before + 1
        for host in hosts:
            Device(host)
        for host in hosts:
            with closing(open_transport(str(host.path), LINE, clock, locks=tmp_path)) as client:
                client.write(b"?")
                assert client.read(clock.now() + 10 * SECOND) == b"!"
    assert threading.active_count() == before
