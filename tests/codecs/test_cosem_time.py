"""COSEM date-time against UTC instants."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.codecs.cosem_time import CosemDateTime
from drivers.codecs.errors import LocalProtocolError, RemoteProtocolError
from drivers.codecs.obis import obis, obis_text

SPRING = 1_774_746_000_000_000  # 2026-03-29 01:00:00 UTC


def test_deviation_is_what_must_be_added_to_local_time() -> None:
    local = CosemDateTime.from_utc(SPRING, deviation=-60, status=0x80)
    assert local == CosemDateTime(2026, 3, 29, 7, 2, 0, 0, 0, -60, 0x80)
    assert local.to_utc() == SPRING


@given(st.integers(-2_000_000_000, 4_000_000_000), st.integers(0, 99), st.integers(-840, 840))
def test_instants_round_trip(seconds: int, hundredths: int, deviation: int) -> None:
    at_us = seconds * 1_000_000 + hundredths * 10_000
    clock = CosemDateTime.from_utc(at_us, deviation=deviation)
    assert CosemDateTime.from_bytes(clock.to_bytes()).to_utc() == at_us


@pytest.mark.parametrize(
    "clock",
    [
        CosemDateTime(),
        CosemDateTime(0xFFFF, 3, 29, 7, 2, 0, 0, 0, 0),
        CosemDateTime(2026, 0xFE, 29, 7, 2, 0, 0, 0, 0),
        CosemDateTime(2026, 3, 0xFE, 7, 2, 0, 0, 0, 0),
        CosemDateTime(2026, 3, 29, 7, 0xFF, 0, 0, 0, 0),
        CosemDateTime(2026, 3, 29, 7, 2, 0, 0xFF, 0, 0),
        CosemDateTime(2026, 3, 29, 7, 2, 0, 0, 0),
    ],
)
def test_patterns_name_no_instant(clock: CosemDateTime) -> None:
    assert clock.to_utc() is None


def test_assumed_deviation_and_hundredths_not_specified() -> None:
    clock = CosemDateTime(2026, 3, 29, 7, 1, 0, 0)
    assert clock.to_utc() is None
    assert clock.to_utc(assumed_deviation=0) == SPRING


@pytest.mark.parametrize(
    "clock",
    [
        CosemDateTime(2026, 2, 30, 1, 0, 0, 0, 0, 0),
        CosemDateTime(2026, 13, 1, 1, 0, 0, 0, 0, 0),
        CosemDateTime(2026, 1, 1, 1, 24, 0, 0, 0, 0),
        CosemDateTime(2026, 1, 1, 1, 0, 0, 0, 100, 0),
    ],
)
def test_no_such_date_is_the_devices_fault(clock: CosemDateTime) -> None:
    with pytest.raises(RemoteProtocolError, match="no instant"):
        clock.to_utc()


def test_what_cannot_be_shown_is_the_callers_fault() -> None:
    with pytest.raises(LocalProtocolError, match="deviation"):
        CosemDateTime.from_utc(0, deviation=900)
    with pytest.raises(LocalProtocolError, match="years"):
        CosemDateTime.from_utc(10**18)


def test_obis_codes() -> None:
    assert obis("1.0.1.8.0.255") == b"\x01\x00\x01\x08\x00\xff"
    assert obis_text(obis("0.0.43.0.0.255")) == "0.0.43.0.0.255"
    for text in ("1.0.1.8.0", "1.0.1.8.0.256", "1.0.1.8.0.-1", "a.b.c.d.e.f", "1-0:1.8.0.255"):
        with pytest.raises(LocalProtocolError, match="OBIS"):
            obis(text)
