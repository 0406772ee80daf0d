"""What goes into an act and what comes out of it is written down and read back, but for keys."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.devices import (
    HanDevice,
    Identity,
    KeySlot,
    Measurement,
    Payment,
    PaymentMode,
    RegisterReading,
    Role,
    SupplyState,
)
from bench.emulation import DeviceTruth, KeyTruth, Truth, Unknown
from bench.errors import (
    Ambiguous,
    BenchError,
    Interrupted,
    KitFault,
    NoReply,
    PortGone,
    Refused,
    RelayStuck,
)
from bench.journal.values import read, written
from bench.parties import FileReceived, Holder, ListedDevice, Validation, Week
from bench.secret import Secret

KEY = bytes(range(0x61, 0x71))
DEVICE = ListedDevice("gas", Role.GAS_METER, "70-B3-D5-1F-30-A0-77-02", "Made", "GM-1")
TRUTH = DeviceTruth(
    {KeySlot.SUA: KeyTruth(2, "A1B2C3")},
    SupplyState.ON,
    outages=((5, None), (6, 7)),
    executed={"rotate_key": 1},
    unknown=frozenset({Unknown.BALANCE}),
)

VALUES: list[Any] = [
    *(None, True, False, 0, -1, 2**70, "", "ü\n$", 1.5),
    Decimal("12.40"),
    SupplyState.ARMED,
    Identity(Role.COMMS_HUB, "S", "70-B3-D5-1F-30-A0-77-08", "Made", "CH-1", "1.0"),
    RegisterReading((("import", Decimal("1.000")),), "kWh", 5, 6),
    Payment(PaymentMode.PREPAYMENT, Decimal("-0.10")),
    (HanDevice("x", Role.IHD, True, None), HanDevice("y", Role.IHD, False, 3)),
    Measurement(Decimal(230), Decimal(0), Decimal("1.5"), Decimal("0.002"), 9),
    (Week(1, 2), Week(3, 4)),
    (17, FileReceived("RFS", True, (DEVICE,))),
    ("INC-0001", "DSP"),
    Validation(False, "MA110"),
    Holder.DCC,
    Truth(Holder.SMSO, False, {"gas": TRUTH}, {"SMSO": {"transfer_account": 1}}),
    FileReceived,
    {"electricity": (1, None)},
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_value_comes_back_as_it_was(value: Any) -> None:
    line = written(value)
    assert read(line) == value
    assert type(read(line)) is type(value)
    assert written(read(line)) == line


leaves = st.none() | st.booleans() | st.integers() | st.text() | st.decimals(allow_nan=False)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner).map(tuple) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(values)
def test_any_value_comes_back_as_it_was(value: Any) -> None:
    assert read(written(value)) == value


class OwnKindOfFault(KitFault):
    """A driver's own subclass."""


ERRORS = [
    NoReply("gas", "identify", "not reached"),
    Ambiguous("gas", "rotate_key"),
    Interrupted("gas", "rotate_key", "the bench stopped"),
    Refused("gas", "rotate_key", "why", code="old-counter"),
    RelayStuck("board: stuck", hint="look"),
    PortGone("gone"),
    BenchError("any"),
]


@pytest.mark.parametrize("error", ERRORS, ids=repr)
def test_an_error_comes_back_as_it_was(error: Exception) -> None:
    again = read(written(error))
    assert (type(again), str(again), vars(again)) == (type(error), str(error), vars(error))


def test_a_drivers_own_error_comes_back_as_its_family() -> None:
    again = read(written(OwnKindOfFault("board: no answer", hint="look")))
    assert (type(again), str(again), again.hint) == (KitFault, "board: no answer", "look")


def test_a_key_is_written_as_its_check_value_and_not_read_back() -> None:
    line = written((KeySlot.SUA, Secret(KEY, "gas/SUA"), 7))
    assert Secret(KEY, "").check_value in line
    assert KEY.decode() not in line
    assert KEY.hex() not in line.lower()
    with pytest.raises(ValueError, match="a secret is not read back"):
        read(line)


@pytest.mark.parametrize("value", [b"raw", bytearray(b"raw"), object(), ValueError("x")])
def test_what_has_no_form_is_not_written(value: object) -> None:
    with pytest.raises(TypeError):
        written(value)


@pytest.mark.parametrize(
    "data",
    [
        {"$": "is", "of": "os:system", "fields": {}},
        {"$": "is", "of": "bench.journal.values:read", "fields": {}},
        {"$": "is", "of": "bench.nowhere:Thing", "fields": {}},
        {"$": "is", "of": "bench.safe_state.watching:subprocess.Popen", "fields": {"args": "x"}},
        {"$": "is", "of": "bench.journal.recorder:Moment", "fields": {}},  # what it has imported
        {"$": "is", "of": "bench.cli.__main__:main", "fields": {}},
        {"$": "is", "of": "bench.clock:WallClock", "fields": {}},
        {"$": "type", "of": "bench.safe_state.watching:subprocess.Popen"},
        {"$": "decimal", "value": "abc"},
        {"$": "is", "of": "bench.parties:Week", "fields": {"start": 1}},
        {"$": "enum", "of": "bench.devices:SupplyState", "value": "SIDEWAYS"},
        {"$": "enum", "of": "bench.parties:Week", "value": "start"},
        {"$": "spell"},
        {"no": "mark"},
    ],
    ids=str,
)
def test_what_is_no_value_of_the_journal_is_refused(data: object) -> None:
    with pytest.raises(ValueError, match=r"journal|class|read back"):
        read(json.dumps(data))


@pytest.mark.parametrize("line", ["[" * 100_000, "1" * 10_000, "", "{"], ids=len)
def test_a_line_of_any_kind_is_refused_as_such(line: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read(line)


def test_a_path_is_written_for_its_hash() -> None:
    assert json.loads(written(Path("a/b"))) == {"$": "path", "value": "a/b"}
