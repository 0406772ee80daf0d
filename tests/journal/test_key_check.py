"""A meter that holds none of the run's keys stops the resumption, without a wrong key counted."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import pytest

from bench.devices import KeySlot, KeyState
from bench.errors import NoReply, UsageError
from bench.journal.key_check import refuse_other_keys
from bench.secret import Secret

OLD, NEW, OTHER = (Secret(name.encode() * 4, name) for name in ("old ", "new ", "else"))


class Meter:
    """Holds a key, says that it holds `stated`, counts wrong keys."""

    def __init__(self, held: Secret, stated: Secret | None = None) -> None:
        self.held, self.stated, self.wrong = held, stated or held, 0

    def key_state(self, slot: KeySlot) -> KeyState:
        return KeyState(slot, 1, self.stated.check_value, 1)

    def prove_key(self, slot: KeySlot, key: Secret) -> bool:
        self.wrong += key != self.held
        return key == self.held


class Silent(Meter):
    def key_state(self, slot: KeySlot) -> KeyState:
        raise NoReply("electricity", "key_state")


def check(meter: Any, **states: Secret) -> None:
    refuse_other_keys({"electricity/SUA": states}, {"electricity": meter})


@pytest.mark.parametrize(
    ("meter", "states", "expected"),
    [
        (Meter(OLD), {"current": OLD}, False),
        (Meter(OLD), {"current": OLD, "staged": NEW}, False),
        (Meter(NEW), {"current": OLD, "staged": NEW}, False),
        (Meter(NEW), {"current": OLD}, True),
        (Meter(OTHER), {"current": OLD, "staged": NEW}, True),
        (Meter(NEW), {"current": OLD, "previous": NEW}, True),
        (Meter(OTHER, stated=OLD), {"current": OLD}, True),
        (Silent(OTHER), {"current": OLD}, False),
        (Meter(OTHER), {}, False),
    ],
)
def test_a_meter(meter: Meter, states: dict[str, Secret], expected: bool) -> None:
    with pytest.raises(UsageError, match="holds none of") if expected else nullcontext():
        check(meter, **states)
    assert meter.wrong == (meter.stated is not meter.held), "only a key that it states is probed"
