"""A capture's requests said again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from pipe_peers import DlmsDevice, ModbusDevice
from sessions import (
    KEY,
    ConsoleDevice,
    captured,
    console_session,
    make_port,
    meter_session,
    modbus_session,
)

from bench.errors import UsageError
from bench.secret import Secret
from bench.units import HOUR, SECOND
from drivers.capture.decoding import decode
from drivers.capture.differing import difference_lines, differences
from drivers.capture.records import CaptureRecord, Direction, Noted, Passed
from drivers.capture.replaying import Replayed, first_line, only_port, replay
from drivers.codecs.modbus_messages import WriteBit
from drivers.pipe_faults.faulty import FaultyTransport
from drivers.pipe_faults.plan import FaultPlan, PipeFaultSpec, PipeMoment
from drivers.transport.line import LineSettings
from drivers.transport.memory import MemoryPort

NOTHING: Mapping[str, Secret] = {}


def replayed(
    records: list[CaptureRecord], port: MemoryPort, secrets: Mapping[str, Secret] = NOTHING
) -> Replayed:
    return replay(records, port.connect(first_line(records)), secrets)


def differing(records: list[CaptureRecord], done: Replayed) -> list[str]:
    new = done.renamed(records[0].port)
    found = differences(decode(records), decode(new), answers_only=True)
    return list(difference_lines(found))


def test_the_same_device_answers_the_same() -> None:
    for records, device in (
        (meter_session(), DlmsDevice().answer),
        (modbus_session(), ModbusDevice().answer),
    ):
        done = replayed(records, make_port(device))
        assert differing(records, done) == []
        assert done.withheld == {}


def test_another_device_answers_otherwise() -> None:
    records = modbus_session()
    board = ModbusDevice()

    def answer(data: bytes) -> bytes:
        said = board.answer(data)
        return said.replace(b"\x00\x6b", b"\x00\x6a") if said else said

    lines = differing(records, replayed(records, make_port(answer)))
    assert lines[0] == "- emu:kit <- modbus unit 1: read-holding-registers answer: 107 108"
    assert lines[1].startswith("+ emu:kit <- octets !!") or lines[1].startswith(
        "+ emu:kit <- modbus"
    )


def test_a_silent_device_costs_its_time_and_not_more() -> None:
    records = modbus_session()
    port = make_port(lambda data: b"")
    began = port.clock.now()
    lines = differing(records, replayed(records, port))
    assert [line[0] for line in lines] == ["-", "-"]
    assert 10 * SECOND < port.clock.now() - began < 12 * SECOND


def test_what_changed_the_device_changes_it_again() -> None:
    board = ModbusDevice()
    replayed(modbus_session(), make_port(board.answer))
    assert board.written == [WriteBit(3, True)]


def test_a_request_with_a_key_goes_out_only_if_the_key_is_given() -> None:
    records = console_session()
    device = ConsoleDevice()
    done = replayed(records, make_port(device.answer))
    assert device.commands == ["read-mains"]
    assert done.withheld == {"hub/key": 1}

    device = ConsoleDevice()
    key = Secret(bytes.fromhex(KEY), "hub/key")
    done = replayed(records, make_port(device.answer), {"hub/key": key})
    assert device.commands == ["read-mains", "load-key"]
    assert done.withheld == {}
    assert differing(records, done) == []
    assert KEY.encode() not in b"".join(
        segment
        for record in done.records
        if isinstance(record, Passed)
        for segment in record.segments
        if isinstance(segment, bytes)
    )


def test_a_key_of_another_length_is_not_the_one() -> None:
    done = replayed(
        console_session(), make_port(ConsoleDevice().answer), {"hub/key": Secret(b"short", "k")}
    )
    assert done.withheld == {"hub/key": 1}


def test_the_line_settings_follow_the_capture() -> None:
    port = make_port(lambda data: b"", "300 7E1")
    records = captured(
        lambda data: b"",
        lambda transport: transport.set_line(LineSettings.parse("9600 8N1")),
        "300 7E1",
    )
    assert str(first_line(records)) == "300 7E1"
    done = replayed(records, port)
    notes = [(r.happening, r.detail) for r in done.records if isinstance(r, Noted)]
    assert notes == [("opened", "300 7E1"), ("line", "9600 8N1"), ("closed", "")]


def test_long_pauses_of_the_bench_are_not_waited_for() -> None:
    records = modbus_session()
    out = [
        n for n, r in enumerate(records) if isinstance(r, Passed) and r.direction is Direction.OUT
    ]

    late = [replace(r, at=r.at + HOUR) if n >= out[1] else r for n, r in enumerate(records)]
    port = make_port(ModbusDevice().answer)
    began = port.clock.now()
    assert differing(late, replayed(late, port)) == []
    assert port.clock.now() - began < 3 * SECOND


def test_a_port_that_vanishes_ends_the_replay() -> None:
    records = meter_session()
    port = make_port(DlmsDevice().answer)
    plan = FaultPlan((PipeFaultSpec("unplugged", PipeMoment(nth=3)),))
    transport = FaultyTransport(port.connect(LineSettings()), plan, port.clock, seed=1)
    done = replay(records, transport, NOTHING)
    assert [r.happening for r in done.records if isinstance(r, Noted)] == [
        "opened",
        "gone",
        "closed",
    ]
    assert differing(records, done)


def test_one_port_is_chosen() -> None:
    records: list[CaptureRecord] = [
        Passed(0, "a", Direction.OUT, (b"1",)),
        Passed(0, "b", Direction.OUT, (b"2",)),
    ]
    assert only_port(records, "b") == records[1:]
    assert only_port(records[:1], None) == records[:1]
    for held, port, says in (
        (records, None, "several ports: a, b"),
        (records, "c", "no port c; it has a, b"),
        ([], None, "empty"),
    ):
        with pytest.raises(UsageError, match=says):
            only_port(held, port)
