"""When faults strike, and which uses of them are refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.devices import KeySlot
from bench.emulation import FaultSpec, Moment
from bench.errors import PeerError, UsageError
from bench.trace import Event, Key, Step
from bench.units import HOUR, MINUTE

if TYPE_CHECKING:
    from tests.emulators.conftest import World


def busy(world: World) -> bool:
    try:
        world.electricity.read_clock()
    except PeerError:
        return True
    return False


def test_after_runs_from_the_first_opening(world: World) -> None:
    world.strike("busy", "electricity", moment=Moment(after=HOUR))
    world.wait(3 * HOUR)
    assert not busy(world)
    world.open()
    world.wait(HOUR - MINUTE)
    assert not busy(world)
    world.open()  # a second passage moves nothing
    world.wait(MINUTE)
    assert busy(world)
    assert not busy(world)
    world.strike("busy", "electricity", moment=Moment(after=HOUR))
    world.wait(0)
    assert busy(world), "an hour from the first opening has passed, from the second it has not"


def test_armed_after_the_opening_it_still_runs_from_there(world: World) -> None:
    world.open()
    world.wait(HOUR)
    world.strike("busy", "electricity", moment=Moment(after=HOUR + MINUTE))
    assert not busy(world)
    world.wait(MINUTE)
    assert busy(world)


@pytest.mark.parametrize(("nth", "times"), [(1, 1), (3, 1), (2, 3)])
def test_the_nth_request_and_the_ones_after_it(world: World, nth: int, times: int) -> None:
    moment = Moment(request="read_clock", nth=nth)
    world.strike("busy", "electricity", times=times, moment=moment)
    world.electricity.identify()  # another operation does not count
    hit = [number for number in range(1, 8) if busy(world)]
    assert hit == list(range(nth, nth + times))


def test_a_state_fault_strikes_before_its_request_does_anything(world: World) -> None:
    moment = Moment(request="rotate_key", nth=2)
    world.strike("clock-step", "electricity", by=HOUR, moment=moment)
    for counter, ahead in ((1, 0), (2, HOUR), (3, HOUR)):
        world.electricity.rotate_key(KeySlot.SUA, world.keys["gas"], counter)
        assert abs(world.electricity.read_clock() - world.clock.now() - ahead) < MINUTE


def step(world: World, section: str, outcome: str = "passed") -> Event:
    at = world.clock.now()
    return Step(at=at, installation="I-1", section=section, outcome=outcome)


def test_the_nth_event_with_these_fields(world: World) -> None:
    on = {"event": "step", "section": "2.5.2"}
    world.strike("busy", "electricity", moment=Moment(on=on, nth=2))
    for section, hit in (("2.5.2", False), ("2.4.4", False), ("2.5.2", True), ("2.5.2", False)):
        world.emulated.observe(step(world, section))
        assert busy(world) is hit


def test_fields_are_compared_as_on_the_line(world: World) -> None:
    on = {"event": "key", "device": "gas", "state": "new"}
    world.strike("supply-opened", "gas", moment=Moment(on=on))
    for device, state in (("electricity", "new"), ("gas", "old")):
        world.emulated.observe(
            Key(at=world.clock.now(), installation="I-1", device=device, key="SUA", state=state,
                proof="ack")
        )  # fmt: skip
        assert world.truth("gas").outages == ()
    world.emulated.observe(
        Key(at=0, installation="I-1", device="gas", key="SUA", state="new", proof="ack")
    )
    assert len(world.truth("gas").outages) == 1


def test_two_faults_on_one_request_strike_one_after_the_other(world: World) -> None:
    moment = Moment(request="read_clock")
    world.strike("busy", "electricity", moment=moment)
    world.strike("refused", "electricity", code="second", moment=moment)
    codes = []
    for _ in range(2):
        with pytest.raises(PeerError) as error:
            world.electricity.read_clock()
        codes.append(error.value.code)
    assert codes == ["busy", "second"]
    assert not busy(world)


REFUSED = [
    (
        FaultSpec("replylost", "gas", Moment(after=0)),
        "no fault is called 'replylost'; did you mean 'reply-lost'?",
    ),
    (FaultSpec("busy", "meter", Moment(after=0)), "no target is called 'meter'"),
    (FaultSpec("power-cut", "gas", Moment(after=0)), "power-cut cannot happen to 'gas', only to"),
    (FaultSpec("reboot", "SMSO", Moment(after=0)), "reboot cannot happen to 'SMSO', only to"),
    (FaultSpec("busy", "Alpha Energy", Moment(after=0)), "no target is called 'Alpha Energy'"),
    (FaultSpec("busy", "gas", Moment()), "exactly one of after, when, request"),
    (FaultSpec("busy", "gas", Moment(after=0, request="*")), "exactly one of"),
    (FaultSpec("busy", "gas", Moment(request="wake")), "'gas' is never asked 'wake'"),
    (FaultSpec("busy", "gas", Moment(request="*", nth=0)), "nth: at least 1, not 0"),
    (FaultSpec("busy", "gas", Moment(after=0), times=0), "times: at least 1, not 0"),
    (FaultSpec("busy", "gas", Moment(after=-1)), "after: a span from the opening"),
    (FaultSpec("busy", "gas", Moment(after=0), code="X"), "takes no code"),
    (FaultSpec("busy", "gas", Moment(after=0), lasts=1), "takes no lasts"),
    (FaultSpec("reboot", "gas", Moment(after=0), times=2), "takes no times"),
    (FaultSpec("reboot", "gas", Moment(after=0), by=2), "takes no by"),
    (FaultSpec("power-cut", "hub", Moment(after=0), lasts=0), "lasts: a span above zero"),
    (FaultSpec("busy", "gas", Moment(on={"even": "step"})), "no event has a field even"),
    (FaultSpec("busy", "gas", Moment(on={"event": "stop"})), "no event is called 'stop'"),
    (FaultSpec("balance-lost", "gas", Moment(after=0)), "pays by prepayment"),
    (
        FaultSpec("acknowledged-not-done", "gas", Moment(request="read_clock")),
        "read_clock changes nothing",
    ),
]


@pytest.mark.parametrize(("spec", "complaint"), REFUSED, ids=[text for _, text in REFUSED])
def test_a_wrong_use_is_refused_and_says_why(world: World, spec: FaultSpec, complaint: str) -> None:
    with pytest.raises(UsageError) as refusal:
        world.emulated.arm(spec)
    assert complaint in str(refusal.value)


def test_all_complaints_come_at_once_and_a_misspelling_is_guessed(world: World) -> None:
    with pytest.raises(UsageError) as refusal:
        world.emulated.arm(FaultSpec("busy", "nobody", Moment(nth=0), code="X"))
    assert len(refusal.value.problems) == 4
    with pytest.raises(UsageError) as refusal:
        world.emulated.arm(FaultSpec("replylost", "gas", Moment(after=0)))
    assert "did you mean 'reply-lost'?" in str(refusal.value)
