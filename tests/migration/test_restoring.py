"""The kit comes back to its preconditions, also where an answer is lost; or it is said that not."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from bench.suite import FaultEntry, Preconditions, Restore

if TYPE_CHECKING:
    from conftest import Told

Run = Callable[..., "Told"]

LEFT = FaultEntry("factory-reset", "display", when={"event": "closed"})

REQUESTS = {
    Restore.REBOOT: ("hub", "reboot"),
    Restore.HAN: ("hub", "permit_join"),
    Restore.ACCOUNT: ("SMSO", "take_account_back"),
    Restore.KEYS: ("gas", "rotate_key"),
}
NTH = {Restore.KEYS: 2}
"""The first key command is the migration's."""


def restored(run: Run, act: Restore, *faults: FaultEntry) -> str:
    told = run("da-dual-fuel", faults=(LEFT, *faults), preconditions=Preconditions(restore=(act,)))
    assert told.outcome == "commissioned"
    return told.ran.bench_error


@pytest.mark.parametrize("act", Restore)
@pytest.mark.parametrize("fault", ["", "reply-lost", "reply-garbled"])
def test_what_was_done_is_back_answered_or_not(run: Run, act: Restore, fault: str) -> None:
    target, request = REQUESTS[act]
    lost = FaultEntry(fault, target, request=request, nth=NTH.get(act, 1))
    assert restored(run, act, *([lost] if fault else [])) == ""


@pytest.mark.parametrize("act", Restore)
def test_what_was_not_done_is_never_said_to_be(run: Run, act: Restore) -> None:
    target, request = REQUESTS[act]
    lost = FaultEntry("request-lost", target, request=request, nth=NTH.get(act, 1))
    assert restored(run, act, lost)
