from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.transport.line import LineSettings, Parity, as_heard

C300 = LineSettings.parse("300 7E1")
C9600 = LineSettings.parse("9600 8N1")

lines = st.builds(
    LineSettings,
    baud=st.sampled_from((300, 1200, 2400, 9600, 19200, 115200)),
    data_bits=st.sampled_from((7, 8)),
    parity=st.sampled_from(Parity),
    stop_bits=st.sampled_from((1, 2)),
)


@given(lines)
def test_the_written_form_round_trips(line: LineSettings) -> None:
    assert LineSettings.parse(str(line)) == line


@pytest.mark.parametrize(
    "text",
    ["", "9600", "9600 9N1", "9600 8X1", "9600 8N3", "0 8N1", "10 8N1", "9600  8N1", "٣٠٠ 7E1"],
)
def test_other_forms_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"9600 8N1|baud rate"):
        LineSettings.parse(text)


def test_line_time_counts_every_bit_and_rounds_up() -> None:
    assert C300.span(1) == 33_334  # 10 bits at 300 baud
    assert C300.span(3) == 100_000
    assert LineSettings.parse("9600 8E2").bits_per_character == 12


@given(st.binary(max_size=40), lines, st.booleans())
def test_equal_settings_lose_nothing(data: bytes, line: LineSettings, checking: bool) -> None:
    mask = 0xFF if line.data_bits == 8 else 0x7F
    assert as_heard(data, line, line, checking=checking) == bytes(b & mask for b in data)


@given(st.binary(max_size=40), lines, lines, st.booleans())
def test_any_settings_hear_a_bounded_something(
    data: bytes, sent: LineSettings, by: LineSettings, checking: bool
) -> None:
    heard = as_heard(data, sent, by, checking=checking)
    wave_bits = len(data) * sent.bits_per_character
    assert len(heard) <= wave_bits // 2 + 1
    if by.understands(sent):
        assert len(heard) == len(data)


@pytest.mark.parametrize(
    ("data", "sent", "by", "checking", "heard"),
    [
        # 7E1 looks like 8N1 with the parity in the eighth bit, as every terminal shows it.
        (b"/?!", "300 7E1", "300 8N1", False, bytes((0xAF, 0x3F, 0x21))),
        # The other way round a checking meter drops what has the wrong parity ('?' is even).
        (b"/?!", "300 8N1", "300 7E1", True, b"?!"),
        # A rate 2 % off works, as on a wire.
        (b"/?!", "9600 8N1", "9780 8N1", True, b"/?!"),
        # A much slower sender is one long break: no character ends where it should.
        (b"\x00", "300 8N1", "9600 8N1", True, b""),
        (b"\x00", "300 8N1", "9600 8N1", False, b"\x00"),
        # Odd for even: every character is wrong.
        (b"/?!", "300 7O1", "300 7E1", True, b""),
        (b"/?!", "300 7O1", "300 7E1", False, b"/?!"),
    ],
)
def test_a_wrong_setting_hears_what_a_uart_hears(
    data: bytes, sent: str, by: str, checking: bool, heard: bytes
) -> None:
    got = as_heard(data, LineSettings.parse(sent), LineSettings.parse(by), checking=checking)
    assert got == heard


@pytest.mark.parametrize(("sent", "by"), [(C300, C9600), (C9600, C300)])
def test_a_wrong_rate_never_gives_the_text(sent: LineSettings, by: LineSettings) -> None:
    for checking in (True, False):
        assert b"/?!" not in as_heard(b"/?!\r\n" * 4, sent, by, checking=checking)
