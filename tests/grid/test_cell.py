"""A cell's name says all there is to it: it is read back as the cell it was."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import UsageError
from bench.grid.cell import Cell, Scope, Strike, read_cell
from bench.grid.judging import End
from bench.grid.trial import run_cell
from bench.trace import Key
from bench.units import SECOND

FAULT = st.from_regex(r"[a-km-z][a-z]{0,8}(-[a-z]{1,8})?", fullmatch=True)
STATE = st.builds(
    Strike,
    st.integers(1, 999),
    FAULT,
    st.booleans(),
    st.sampled_from(["hub", "gas", "electricity"]),
    st.none() | st.integers(1, 10**6).map(lambda seconds: seconds * SECOND),
)
REQUEST = st.builds(Strike, st.integers(1, 999), FAULT | st.sampled_from(["let-1", "let-3"]))
CELLS = st.builds(
    Cell,
    st.sampled_from(["da-dual-fuel", "ioc-prepayment"]),
    st.sampled_from(Scope),
    st.lists(STATE | REQUEST, max_size=4).map(tuple),
)


@given(CELLS)
def test_a_name_is_read_back(cell: Cell) -> None:
    assert read_cell(str(cell)) == cell


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("", "expected INSTALLATION/SCOPE/STRIKES"),
        ("da-dual-fuel", "expected INSTALLATION/SCOPE/STRIKES"),
        ("da-dual-fuel/all/r1=reply-lost", "expected INSTALLATION/SCOPE/STRIKES"),
        ("da-dual-fuel/keys/r0=reply-lost", "'r0=reply-lost' is no strike"),
        ("da-dual-fuel/keys/reply-lost", "'reply-lost' is no strike"),
        ("da-dual-fuel/keys/r1=let-x", "'r1=let-x' is no strike"),
        ("da-dual-fuel/run/e1=power-cut@hub~soon", "'e1=power-cut@hub~soon' is no strike"),
        (f"da-dual-fuel/keys/r{'9' * 5000}=reply-lost", f"'r{'9' * 56}…' is no strike"),
        (f"da-dual-fuel/keys/r1=let-{'9' * 5000}", "' is no strike"),
        ("da-dual-fuel/run/e1=power-cut@hub~6y", "'e1=power-cut@hub~6y' is no strike"),
    ],
)
def test_what_is_no_cell_is_said_to_be_none(name: str, complaint: str) -> None:
    with pytest.raises(UsageError) as error:
        read_cell(name)
    assert complaint in str(error.value)
    assert error.value.hint


def test_every_wrong_strike_is_named() -> None:
    with pytest.raises(UsageError) as error:
        read_cell("da-dual-fuel/keys/nonsense,r2=reply-lost,more")
    assert len(error.value.problems) == 2


@pytest.mark.parametrize(
    "strikes",
    [
        "r4=reboot-before-commit,r7=request-held,r12=request-lost",  # the old key comes days later
        "r4=reboot-before-commit,r6=reply-garbled,r8=request-held",
        "r2=request-held,r6=request-lost,r7=request-lost,r8=request-lost",  # the new one does
    ],
)
def test_what_is_on_its_way_when_a_case_is_parked_is_believed_of_no_meter(strikes: str) -> None:
    """Found by every schedule of three fates: a key that was proven, before what was held came."""
    trial = run_cell(read_cell(f"da-dual-fuel/keys-once/{strikes}"))
    assert trial.ended.end is End.PARKED
    keys = [event for event in trial.events if isinstance(event, Key)]
    assert [event.state for event in keys if event.device == "electricity"][-1] == "unknown"
