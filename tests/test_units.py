"""Times as people write them, and as the bench counts them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.units import (
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    format_duration,
    format_instant,
    parse_duration,
    parse_instant,
)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("0s", 0),
        ("90s", 90_000_000),
        ("5ms", 5_000),
        ("30min", 1_800_000_000),
        ("4h", 14_400_000_000),
        ("2d", 172_800_000_000),
        ("007s", 7_000_000),
        ("999999999d", 999_999_999 * DAY),
    ],
)
def test_a_duration(text: str, span: int) -> None:
    assert parse_duration(text) == span


@pytest.mark.parametrize(
    "text",
    [
        *("", "30", "30 min", "4 h", "-4h", "+4h", "1.5h", "4H", "4m", "4hours", "h", "1h30min"),
        *("1e3s", "0x10s", "4h\n", "never", "9999999999s", "12:30:00"),
        "\N{ARABIC-INDIC DIGIT THREE}h",
    ],
)
def test_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match=r"^a duration: a whole number and a unit"):
        parse_duration(text)


@pytest.mark.parametrize("value", [None, 5, 5.0, True, ["4h"]])
def test_no_text_is_no_duration_nor_instant(value: object) -> None:
    with pytest.raises(ValueError, match="a duration"):
        parse_duration(value)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="a UTC time"):
        parse_instant(value)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("span", "said"),
    [
        (0, "0 s"),
        (1, "0.000001 s"),
        (1_500_000, "1.5 s"),
        (90 * SECOND, "1 min 30 s"),
        (5 * MINUTE, "5 min"),
        (4 * HOUR, "4 h"),
        (2 * DAY, "48 h"),
        (DAY + SECOND, "24 h 0 min 1 s"),
        (HOUR + MINUTE, "1 h 1 min"),
        (-90 * SECOND, "-1 min 30 s"),
    ],
)
def test_a_duration_as_it_is_said(span: int, said: str) -> None:
    assert format_duration(span) == said


@given(st.integers(-(10**14), 10**14))
def test_a_duration_is_said_exactly(span: int) -> None:
    said = format_duration(span)
    sizes = {"h": HOUR, "min": MINUTE, "s": SECOND}
    words = said.removeprefix("-").split()
    total = sum(
        round(float(amount) * sizes[unit])
        for amount, unit in zip(words[::2], words[1::2], strict=True)
    )
    assert (-total if said.startswith("-") else total) == span


@given(st.integers(-60_000 * DAY, 60_000 * DAY * 10))
def test_an_instant_there_and_back(at: int) -> None:
    text = format_instant(at)
    assert parse_instant(text) == at
    plain = (EPOCH + timedelta(microseconds=at)).isoformat().replace("+00:00", "Z")
    assert text.rstrip("Z").split(".")[0] == plain.rstrip("Z").split(".")[0]


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01t00:00:01Z", SECOND),
        ("2021-04-08T09:30:00Z", 1_617_874_200 * SECOND),
        ("2021-04-08T09:30:00.000001Z", 1_617_874_200 * SECOND + 1),
        ("2021-04-08T09:30:00.5Z", 1_617_874_200 * SECOND + 500_000),
        ("2020-02-29T23:59:59.999999Z", 1_583_020_800 * SECOND - 1),
    ],
)
def test_an_instant(text: str, at: int) -> None:
    assert parse_instant(text) == at


@pytest.mark.parametrize(
    "text",
    [
        *("", "2021-04-08", "2021-04-08T09:30Z", "2021-04-08 09:30:00Z"),
        *("2021-04-08T09:30:00", "2021-04-08T09:30:00+00:00", "2021-04-08T09:30:00z"),
        *("2021-02-29T00:00:00Z", "2021-04-08T24:00:00Z", "2021-04-08T09:60:00Z"),
        *("2021-04-08T09:30:60Z", "2021-04-08T09:30:00.0000001Z"),
        *("0000-01-01T00:00:00Z", "12021-04-08T09:30:00Z"),
    ],
)
def test_no_instant(text: str) -> None:
    with pytest.raises(ValueError, match=r"^a UTC time such as 2021-04-08T09:30:00Z"):
        parse_instant(text)
