"""A drafted profile is one, whatever the device says of itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.printable import printable
from drivers.codecs.hdlc import HdlcAddress
from drivers.codecs.iec62056_21_messages import Identification
from drivers.identification.drafting import draft
from drivers.identification.findings import (
    ConsoleFound,
    Found,
    ListedObject,
    MeterFound,
    ModbusFound,
    PublicAssociation,
    ReadAttribute,
    SignedOn,
    UnitFound,
)
from drivers.profiles.profile import Profile, read_profile
from drivers.transport.line import LineSettings

LINE = LineSettings()
TABLES = {"coils": 4, "discrete-inputs": 0, "input-registers": 0, "holding-registers": 0}
SAID = st.text(max_size=40)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("drafts")


def read_back(found: Found, folder: Path, port: str = "p") -> Profile:
    text = draft(found, port)
    assert text is not None
    path = folder / "drafted.yaml"
    path.write_text(text, encoding="utf-8")
    return read_profile(str(path))


@given(said=SAID, port=SAID)
@settings(max_examples=60, deadline=None)
def test_whatever_a_meter_says(said: str, port: str, folder: Path) -> None:
    public = PublicAssociation(
        title=said,
        services=(said,),
        objects=(ListedObject(3, "1.0.1.8.0.255"), ListedObject(70, "0.0.96.3.10.255")),
        read=(
            ReadAttribute(1, "0.0.42.0.0.255", 2, said),
            ReadAttribute(1, "0.0.43.1.0.255", 2, said),
            ReadAttribute(1, "1.0.0.2.0.255", 2, said),
            ReadAttribute(1, "0.0.96.1.0.255", 2, refusal=said),
        ),
    )
    found = MeterFound(LINE, None, HdlcAddress(1, 17), True, 248, public)
    profile = read_back(found, folder, port)
    assert profile.firmware == (printable(said),)
    assert profile.role == "electricity-meter"
    assert profile.dlms is not None
    assert [each.object for each in profile.dlms.registers] == ["1.0.1.8.0.255"]
    assert profile.dlms.supply == "0.0.96.3.10.255"


@given(said=SAID)
@settings(max_examples=40, deadline=None)
def test_whatever_a_console_says(said: str, folder: Path) -> None:
    found = ConsoleFound(LINE, "", said, "generic-console-ihd", {said: said, "firmware": said})
    profile = read_back(found, folder)
    assert (profile.role, profile.firmware) == ("ihd", (printable(said),))
    assert profile.console == read_profile("generic-console-ihd").console


@given(said=SAID)
@settings(max_examples=40, deadline=None)
def test_whatever_a_unit_says(said: str, folder: Path) -> None:
    unit = UnitFound(7, {said: said}, TABLES)
    profile = read_back(ModbusFound(LINE, (unit, UnitFound(9, {}, TABLES))), folder)
    assert profile.modbus is not None
    assert (profile.modbus.unit, profile.role) == (7, "relay-board")


@pytest.mark.parametrize(
    ("objects", "role"),
    [
        ((ListedObject(3, "7.0.3.0.0.255"),), "gas-meter"),
        ((ListedObject(3, "1.0.1.8.0.255"),), "electricity-meter"),
        ((), "electricity-meter"),
    ],
)
def test_the_role_is_known_by_registers_or_marked_unknown(
    objects: tuple[ListedObject, ...], role: str, folder: Path
) -> None:
    found = MeterFound(LINE, None, HdlcAddress(1), True, 128, PublicAssociation(objects=objects))
    assert read_back(found, folder).role == role
    (line,) = [line for line in (draft(found, "p") or "").splitlines() if line.startswith("role:")]
    assert ("unknown:" in line) is not bool(objects)
    assert line.endswith("by its registers") is bool(objects)


@pytest.mark.parametrize(
    "found",
    [
        MeterFound(LINE, SignedOn(Identification("ABC", "5", "M1"))),
        ConsoleFound(LINE, "? ", "Hello\r\n? "),
    ],
)
def test_what_no_driver_speaks_is_not_drafted(found: Found) -> None:
    assert draft(found, "p") is None


def test_a_meter_that_refuses_the_public_client(folder: Path) -> None:
    for public in (None, PublicAssociation(refusal="association refused: no\nreason")):
        found = MeterFound(LINE, None, HdlcAddress(1, 17), public is not None, 20, public)
        profile = read_back(found, folder)
        assert profile.dlms is not None
        assert profile.dlms.hdlc.information == 32, "the least that a profile may have"
