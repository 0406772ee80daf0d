from __future__ import annotations

import pytest

from bench.clock import Cancellation, Cancelled, VirtualClock
from bench.errors import Busy, PortGone, UsageError
from bench.units import HOUR, MILLISECOND, SECOND, Micros
from drivers.transport.emulated import PortRegistry
from drivers.transport.line import LineSettings
from drivers.transport.memory import MemoryPort
from drivers.transport.opening import open_transport
from drivers.transport.pipe import Transport, quiet

START = 1_617_874_200 * SECOND
LINE = LineSettings.parse("300 7E1")
FAST = LineSettings.parse("9600 7E1")


class Echo:
    """Answers each arrival with the same octets after its reaction time."""

    def __init__(self, port: MemoryPort, reaction: Micros = 0) -> None:
        self.port = port
        self.reaction = reaction
        self.heard: list[tuple[Micros, bytes]] = []
        port.attach(self)

    def receive(self, data: bytes, at: Micros) -> None:
        self.heard.append((at, data))
        self.port.clock.call_at(at + self.reaction, lambda: self.port.send(data))


class Station:
    def __init__(self, *, paced: bool = True, grain: Micros = 0, reaction: Micros = 0) -> None:
        self.clock = VirtualClock(START)
        self.port = MemoryPort("meter", self.clock, LINE, paced=paced, grain=grain)
        self.peer = Echo(self.port, reaction)
        self.ports = PortRegistry()
        self.ports.register_memory(self.port)

    def open(self, line: LineSettings = LINE, until: Micros | None = None) -> Transport:
        return open_transport("emu:meter", line, self.clock, emulated=self.ports, until=until)


def read_all(transport: Transport, until: Micros) -> bytes:
    got = b""
    while data := transport.read(until):
        got += data
    return got


def test_each_octet_arrives_when_its_last_bit_does() -> None:
    station = Station()
    with station.open() as transport:
        transport.write(b"abc")
        assert transport.read(START + HOUR) == b"a"
        assert transport.received_at == START + 66_668  # there and back
        assert read_all(transport, START + HOUR) == b"bc"
        assert [at - START for at, _ in station.peer.heard] == [33_334, 66_667, 100_000]


def test_a_second_write_queues_behind_the_first() -> None:
    station = Station()
    with station.open() as transport:
        transport.write(b"a")
        transport.write(b"b")
        read_all(transport, START + HOUR)
        assert [at - START for at, _ in station.peer.heard] == [33_334, 66_668]


def test_silence_is_an_empty_read_at_the_deadline_and_not_later() -> None:
    station = Station()
    with station.open() as transport:
        assert transport.read(START + 3 * SECOND) == b""
        assert station.clock.now() == START + 3 * SECOND
        assert transport.read(START) == b""
        assert station.clock.now() == START + 3 * SECOND


def test_an_answer_at_the_deadline_is_still_seen_and_one_later_is_not() -> None:
    station = Station(reaction=SECOND)
    with station.open() as transport:
        transport.write(b"a")
        arrival = START + 66_668 + SECOND
        assert transport.read(arrival - 1) == b""
        assert transport.read(arrival) == b"a"


@pytest.mark.parametrize("client", ["9600 7E1", "300 7O1", "1200 8N1"])
def test_wrong_settings_on_one_side_hear_nothing_of_it(client: str) -> None:
    station = Station()
    with station.open(LineSettings.parse(client)) as transport:
        transport.write(b"/?!\r\n")
        transport.read(START + SECOND)
        assert b"/?!" not in b"".join(data for _, data in station.peer.heard)
        station.port.send(b"/ABC\r\n")
        got = read_all(transport, START + 2 * SECOND)
        if client != "300 7O1":  # a port that ignores parity errors reads on
            assert b"/ABC" not in got


def test_the_baud_change_waits_until_what_was_written_has_left() -> None:
    station = Station()
    with station.open() as transport:
        transport.write(b"\x06050\r\n")
        transport.set_line(FAST)
        assert station.clock.now() == START + 200_000
        assert b"".join(data for _, data in station.peer.heard) == b"\x06050\r\n"
        station.port.line = FAST
        read_all(transport, station.clock.now() + SECOND)
        transport.write(b"x")
        assert read_all(transport, station.clock.now() + SECOND) == b"x"


def test_unpaced_octets_arrive_at_once_in_one_piece() -> None:
    station = Station(paced=False)
    with station.open() as transport:
        transport.write(bytes(range(0x20, 0x7F)))
        assert transport.read(START) == bytes(range(0x20, 0x7F))
        assert station.clock.now() == START


@pytest.mark.parametrize("heard_before", range(6))
def test_unplugged_at_each_octet_the_port_is_gone_and_works_again(heard_before: int) -> None:
    station = Station()
    step = LINE.span(1)
    pulled = START + step * (heard_before + 1) + step // 2
    station.clock.call_at(pulled, station.port.unplug)
    with station.open() as transport:
        transport.write(b"abcdef")
        got = b"".join(transport.read(START + HOUR) for _ in range(heard_before))
        assert got == b"abcdef"[:heard_before]
        with pytest.raises(PortGone, match="emu:meter is gone"):
            transport.read(START + HOUR)
        assert station.clock.now() == pulled
        for call in (
            lambda: transport.write(b"x"),
            lambda: transport.read(START + HOUR),
            transport.discard_input,
            lambda: transport.set_line(FAST),
        ):
            with pytest.raises(PortGone):
                call()
        with pytest.raises(PortGone, match="did not come back"):
            transport.reopen(pulled + SECOND)
        assert station.clock.now() == pulled + SECOND
        station.clock.call_at(pulled + 5 * SECOND, station.port.plug)
        transport.reopen(START + HOUR)
        assert station.clock.now() == pulled + 5 * SECOND
        assert len(station.peer.heard) == min(heard_before + 1, 6)  # the rest was lost
        transport.write(b"xyz")
        assert read_all(transport, START + HOUR) == b"xyz"


def test_a_plug_that_is_back_is_no_use_before_the_port_is_reopened() -> None:
    station = Station()
    with station.open() as transport:
        station.port.unplug()
        station.port.plug()
        station.port.send(b"lost")
        station.clock.sleep_until(START + SECOND)
        with pytest.raises(PortGone):
            transport.read(START + HOUR)
        transport.reopen(START + HOUR)
        station.port.send(b"heard")
        assert read_all(transport, START + HOUR) == b"heard"


def test_what_arrived_before_the_plug_was_pulled_is_still_handed_out() -> None:
    station = Station()
    with station.open() as transport:
        transport.write(b"a")
        station.clock.sleep_until(START + SECOND)
        station.port.unplug()
        assert transport.read(START + HOUR) == b"a"
        with pytest.raises(PortGone):
            transport.read(START + HOUR)


def test_one_client_at_a_time_and_closing_lets_the_next_in() -> None:
    station = Station()
    first = station.open()
    with pytest.raises(Busy, match="emu:meter"):
        station.open()
    first.close()
    first.close()
    with pytest.raises(PortGone, match="closed"):
        first.read(START)
    station.open().close()


def test_opening_waits_for_the_plug_no_longer_than_told() -> None:
    station = Station()
    station.port.unplug()
    with pytest.raises(PortGone):
        station.open()
    station.clock.call_at(START + SECOND, station.port.plug)
    station.open(until=START + HOUR).close()
    assert station.clock.now() == START + SECOND


def test_discarding_keeps_what_is_still_on_its_way_and_quiet_does_not() -> None:
    station = Station(reaction=SECOND)
    with station.open() as transport:
        transport.write(b"late")
        transport.read(START + 200 * MILLISECOND)
        transport.discard_input()
        assert quiet(transport, 2 * SECOND, START + HOUR)
        assert transport.read(START + HOUR) == b""


def test_quiet_is_bounded_by_a_line_that_babbles() -> None:
    station = Station()

    def babble() -> None:
        station.port.send(b"x")
        station.clock.call_at(station.clock.now() + 100 * MILLISECOND, babble)

    with station.open() as transport:
        babble()
        assert not quiet(transport, SECOND, START + 10 * SECOND)
        assert station.clock.now() <= START + 10 * SECOND + 100 * MILLISECOND


def test_a_cancelled_read_ends_at_once() -> None:
    station = Station()
    token = Cancellation()
    transport = open_transport(
        "emu:meter", LINE, station.clock, emulated=station.ports, cancellation=token
    )
    station.clock.call_at(START + SECOND, lambda: token.cancel("stop"))
    with transport, pytest.raises(Cancelled):
        transport.read(START + HOUR)
    assert station.clock.now() == START + SECOND


@pytest.mark.parametrize(
    ("port", "says"),
    [
        ("emu:metre", "did you mean emu:meter"),
        ("pty:meter", "wall clock"),
        ("/dev/ttyUSB0", "wall clock"),
        ("socket://localhost:1", "wall clock"),
        ("socket://localhost", "host:port"),
        ("socket://:7000", "host is missing"),
        ("listen:0", "host:port"),
        ("rfc2217://h:70000", "host:port"),
        ("COM3", "device path"),
        ("", "device path"),
        ("spy://x", "device path"),
        ("/dev/\0", "device path"),
    ],
)
def test_a_wrong_port_line_says_what_is_expected(port: str, says: str) -> None:
    station = Station()
    with pytest.raises(UsageError) as caught:
        open_transport(port, LINE, station.clock, emulated=station.ports)
    assert says in f"{caught.value} {caught.value.hint}"
