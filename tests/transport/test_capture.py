from __future__ import annotations

import base64
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.clock import VirtualClock
from bench.errors import BenchError, PortGone, UsageError
from bench.units import HOUR, SECOND
from drivers.capture.hiding import Hidden, SecretScanner
from drivers.capture.records import (
    CaptureFile,
    CaptureList,
    CaptureRecord,
    Direction,
    Happening,
    Noted,
    Passed,
    from_line,
    read_capture,
    to_line,
)
from drivers.capture.tee import CapturingTransport
from drivers.transport.line import LineSettings
from drivers.transport.memory import MemoryPort
from drivers.transport.pipe import SecretSpan

START = 1_617_874_200 * SECOND
KEY = bytes.fromhex("8f1d03c4a5b697e8002b4cddeeff1077")
NAME = "electricity/guek/v2"


class Kit:
    def __init__(self, path: Path) -> None:
        self.clock = VirtualClock(START)
        self.port = MemoryPort("meter", self.clock, paced=False)
        self.path = path
        self.file = CaptureFile(path)
        self.transport = CapturingTransport(self.port.connect(LineSettings()), self.file)

    def read(self) -> bytes:
        got = b""
        while data := self.transport.read(self.clock.now() + SECOND):
            got += data
        return got

    def records(self) -> list[CaptureRecord]:
        return list(read_capture(self.path))


@pytest.fixture
def kit(tmp_path: Path) -> Kit:
    return Kit(tmp_path / "meter.capture")


def assert_no_secret(path: Path, secret: bytes) -> None:
    stored = path.read_bytes()
    shown = b"\n".join(
        segment
        for record in read_capture(path)
        if isinstance(record, Passed)
        for segment in record.segments
        if isinstance(segment, bytes)
    )
    for text in (stored, stored.lower(), shown, shown.lower()):
        assert secret not in text
        assert secret.hex().encode() not in text
        assert secret.hex().encode().hex().encode() not in text
        assert base64.b64encode(secret) not in text
        assert base64.b64encode(secret).hex().encode() not in text


def test_what_passes_is_stored_with_its_time_and_direction(kit: Kit) -> None:
    kit.transport.write(b"/?!\r\n")
    kit.clock.call_at(START + SECOND // 2, lambda: kit.port.send(b"/ABC5\r\n"))
    assert kit.read() == b"/ABC5\r\n"
    kit.transport.set_line(LineSettings.parse("300 7E1"))
    kit.transport.close()
    kit.transport.close()
    assert kit.records() == [
        Noted(START, "emu:meter", Happening.OPENED, "9600 8N1"),
        Passed(START, "emu:meter", Direction.OUT, (b"/?!\r\n",)),
        Passed(START + SECOND // 2, "emu:meter", Direction.IN, (b"/ABC5\r\n",)),
        Noted(START + 3 * SECOND // 2, "emu:meter", Happening.LINE, "300 7E1"),
        Noted(START + 3 * SECOND // 2, "emu:meter", Happening.CLOSED),
    ]


def test_octets_are_stored_before_anybody_sees_them(kit: Kit) -> None:
    kit.port.send(b"answer")
    kit.transport.read(START + SECOND)
    assert kit.records()[-1] == Passed(START, "emu:meter", Direction.IN, (b"answer",))


def test_key_material_is_stored_as_length_and_name(kit: Kit) -> None:
    text = b"KEY " + KEY.hex().encode() + b"\r\n"
    kit.transport.write(text, [SecretSpan(4, 36, NAME)])
    kit.transport.write(KEY, [SecretSpan(0, 16, NAME)])
    kit.transport.write(b"again " + KEY)  # forgotten to be marked
    assert [r.segments for r in kit.records() if isinstance(r, Passed)] == [
        (b"KEY ", Hidden(32, NAME), b"\r\n"),
        (Hidden(16, NAME),),
        (b"again ", Hidden(16, NAME)),
    ]
    assert_no_secret(kit.path, KEY)


ECHOES = [
    KEY,
    KEY.hex().encode(),
    KEY.hex().upper().encode(),
    KEY.hex(" ").encode(),
    base64.b64encode(KEY),
]


@pytest.mark.parametrize("sent", [KEY, KEY.hex().encode(), base64.b64encode(KEY)])
@pytest.mark.parametrize("echo", ECHOES)
@pytest.mark.parametrize("slice_of", [1, 3, 7, 100])
def test_a_key_that_comes_back_is_hidden_in_any_form_and_slices(
    kit: Kit, sent: bytes, echo: bytes, slice_of: int
) -> None:
    kit.transport.write(sent, [SecretSpan(0, len(sent), NAME)])
    stream = b"ECHO " + echo + b" OK"
    for start in range(0, len(stream), slice_of):
        kit.port.send(stream[start : start + slice_of])
        kit.transport.read(kit.clock.now() + SECOND)
    kit.transport.close()
    assert_no_secret(kit.path, KEY)
    came = [
        segment
        for record in kit.records()
        if isinstance(record, Passed) and record.direction is Direction.IN
        for segment in record.segments
    ]
    hidden = sum(segment.length for segment in came if isinstance(segment, Hidden))
    shown = b"".join(segment for segment in came if isinstance(segment, bytes))
    assert hidden == len(echo)
    assert shown == b"ECHO  OK"


@pytest.mark.parametrize("cut", range(4, 16))
def test_a_key_cut_short_by_a_pulled_plug_is_hidden(kit: Kit, cut: int) -> None:
    kit.transport.write(KEY, [SecretSpan(0, 16, NAME)])
    kit.port.send(b"!" + KEY[:cut])
    kit.transport.read(START + SECOND)
    kit.port.unplug()
    with pytest.raises(PortGone):
        kit.transport.read(START + HOUR)
    kinds = [record for record in kit.records() if isinstance(record, Noted)]
    assert [note.happening for note in kinds] == [Happening.OPENED, Happening.GONE]
    came = [r for r in kit.records() if isinstance(r, Passed) and r.direction is Direction.IN]
    assert [r.segments for r in came] in (
        [(b"!", Hidden(cut, NAME))],
        [(b"!",), (Hidden(cut, NAME),)],
    )


@pytest.mark.parametrize("cut", range(4, 8))
def test_the_text_of_a_key_cut_short_is_hidden(kit: Kit, cut: int) -> None:
    kit.transport.write(KEY, [SecretSpan(0, 16, NAME)])
    kit.port.send(KEY.hex()[:cut].encode())
    kit.read()
    kit.transport.close()
    came = [r for r in kit.records() if isinstance(r, Passed) and r.direction is Direction.IN]
    assert [r.segments for r in came] == [(Hidden(cut, NAME),)]


def test_a_run_of_zeros_in_a_key_does_not_hide_every_zero(kit: Kit) -> None:
    kit.transport.write(bytes(12) + b"\x01\x02\x03\x04", [SecretSpan(0, 16, NAME)])
    kit.port.send(bytes(6) + b"\xff")
    kit.read()
    kit.transport.close()
    came = [r for r in kit.records() if isinstance(r, Passed) and r.direction is Direction.IN]
    assert [r.segments for r in came] == [(bytes(6) + b"\xff",)]


def test_a_garbled_echo_shows_no_piece_of_four_octets(kit: Kit) -> None:
    kit.transport.write(KEY, [SecretSpan(0, 16, NAME)])
    kit.port.send(KEY[:7] + b"\xff" + KEY[8:])
    kit.read()
    kit.transport.close()
    came = [r for r in kit.records() if isinstance(r, Passed) and r.direction is Direction.IN]
    assert [s for r in came for s in r.segments] == [Hidden(7, NAME), b"\xff", Hidden(8, NAME)]


def test_a_pass_word_of_zeros_hides_itself_but_not_every_zero(kit: Kit) -> None:
    kit.transport.write(b"P1(00000000)", [SecretSpan(3, 11, "password")])
    kit.port.send(b"1.8.0(0000123*kWh)\r\n")
    kit.read()
    kit.transport.close()
    came = [r for r in kit.records() if isinstance(r, Passed) and r.direction is Direction.IN]
    assert b"".join(s for r in came for s in r.segments if isinstance(s, bytes)) == (
        b"1.8.0(0000123*kWh)\r\n"
    )


@given(st.binary(min_size=4, max_size=20), st.lists(st.binary(max_size=12), max_size=8))
def test_the_scanner_loses_and_reorders_nothing(secret: bytes, pieces: list[bytes]) -> None:
    scanner = SecretScanner()
    scanner.learn(secret, NAME)
    out: list[bytes | Hidden] = []
    stream = b"".join([*pieces, secret, *pieces])
    for number, piece in enumerate([*pieces, secret, *pieces]):
        out += [segment for _, segment in scanner.feed(piece, number)]
    out += [segment for _, segment in scanner.settle()]
    at = 0
    for segment in out:
        if isinstance(segment, bytes):
            assert stream[at : at + len(segment)] == segment
            assert secret not in segment
            at += len(segment)
        else:
            at += segment.length
    assert at == len(stream)


def test_input_thrown_away_is_stored_and_marked(kit: Kit) -> None:
    kit.port.send(b"late")
    kit.clock.sleep_until(START + SECOND)
    kit.transport.discard_input()
    assert kit.records()[-2:] == [
        Passed(START, "emu:meter", Direction.IN, (b"late",)),
        Noted(START + SECOND, "emu:meter", Happening.DISCARDED),
    ]
    assert kit.read() == b""


def test_input_nobody_read_is_stored_at_the_close(kit: Kit) -> None:
    kit.port.send(b"bye")
    kit.clock.sleep_until(START + SECOND)
    kit.transport.close()
    assert Passed(START, "emu:meter", Direction.IN, (b"bye",)) in kit.records()


def test_a_vanished_port_and_its_return_are_noted(kit: Kit) -> None:
    kit.port.unplug()
    with pytest.raises(PortGone):
        kit.transport.write(b"x")
    kit.clock.call_at(START + SECOND, kit.port.plug)
    kit.transport.reopen(START + HOUR)
    notes = [record for record in kit.records() if isinstance(record, Noted)]
    assert [note.happening for note in notes] == ["opened", "gone", "reopened"]


@pytest.mark.parametrize(("start", "end"), [(-1, 2), (0, 9), (3, 3), (2, 1)])
def test_a_wrong_span_is_the_drivers_error_and_sends_nothing(
    kit: Kit, start: int, end: int
) -> None:
    with pytest.raises(ValueError, match="secret spans"):
        kit.transport.write(b"KEY 1234", [SecretSpan(start, end, NAME)])
    assert len(kit.records()) == 1


records = st.one_of(
    st.builds(
        Passed,
        st.integers(0, 4 * 10**15),
        st.text(),
        st.sampled_from(Direction),
        st.lists(st.binary(min_size=1) | st.builds(Hidden, st.integers(1, 99), st.text())).map(
            tuple
        ),
    ),
    st.builds(Noted, st.integers(0, 4 * 10**15), st.text(), st.sampled_from(Happening), st.text()),
)


@given(records)
def test_a_record_round_trips_through_its_line(record: CaptureRecord) -> None:
    line = to_line(record)
    assert line.isascii()
    assert "\n" not in line
    assert from_line(line) == record


@given(st.text())
def test_any_line_is_a_record_or_refused(text: str) -> None:
    with suppress(ValueError):
        assert from_line(to_line(from_line(text))) == from_line(text)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b"{", "one JSON object"),
        (b"[]", "one JSON object"),
        (b"[" * 100_000, "one JSON object"),
        (b"\xff", "expected ASCII, byte 1"),
        (b'{"port":"p"}', "at: expected a text"),
        (b'{"at":"now","port":"p","event":"gone"}', "a UTC time"),
        (b'{"at":"2021-04-08T09:30:00Z","port":"p","event":"fell"}', "fell"),
        (b'{"at":"2021-04-08T09:30:00Z","port":"p","dir":"in","data":["0"]}', "hex"),
        (b'{"at":"2021-04-08T09:30:00Z","port":"p","dir":"in","data":[{"length":0}]}', "data:"),
        (b'{"at":"2021-04-08T09:30:00Z","port":"p","dir":"in"}', "data: expected a list"),
    ],
)
def test_a_broken_capture_is_refused_with_file_and_line(
    tmp_path: Path, line: bytes, says: str
) -> None:
    path = tmp_path / "c"
    path.write_bytes(to_line(Noted(START, "p", Happening.GONE)).encode() + b"\n\n" + line + b"\n")
    with pytest.raises(UsageError, match=rf"c:3: .*{says}"):
        list(read_capture(path))


def test_a_torn_last_line_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "c"
    path.write_bytes(to_line(Noted(START, "p", Happening.GONE)).encode() + b'\n{"at":"20')
    assert len(list(read_capture(path))) == 1


def test_part_of_a_line_is_cut_off_before_more_is_added(tmp_path: Path) -> None:
    path = tmp_path / "torn.jsonl"
    record = Noted(START, "emu:meter", Happening.OPENED, "9600 8N1")
    line = to_line(record) + "\n"
    for kept in ("", line):
        path.write_text(kept + line[:20], encoding="ascii")
        file = CaptureFile(path)
        file.store(record)
        file.close()
        assert path.read_text(encoding="ascii") == kept + line


def test_the_file_is_its_owners_and_its_faults_are_the_benchs(tmp_path: Path) -> None:
    CaptureFile(tmp_path / "c").close()
    assert (tmp_path / "c").stat().st_mode & 0o077 == 0
    with pytest.raises(BenchError, match="cannot open the capture"):
        CaptureFile(tmp_path)
    full = CaptureFile(Path("/dev/full"))
    with pytest.raises(BenchError, match="cannot write the capture"):
        full.store(Noted(START, "p", Happening.GONE))
    with pytest.raises(UsageError):
        list(read_capture(tmp_path / "absent"))


def test_several_ports_share_one_capture() -> None:
    clock, shared = VirtualClock(START), CaptureList()
    for name in ("a", "b"):
        CapturingTransport(MemoryPort(name, clock).connect(LineSettings()), shared)
    assert [record.port for record in shared.records] == ["emu:a", "emu:b"]
