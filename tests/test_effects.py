"""The one choke point: nothing the process does goes around it."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import bench.migration
from bench import staging
from bench.clock import Cancellation, Cancelled, VirtualClock
from bench.devices import KeySlot
from bench.effects import Act, Effects
from bench.emulation import EmulatedWorld
from bench.errors import BenchError, NoReply, Refused
from bench.key_ring import MemoryKeyRing
from bench.parties import FileReceived, Inbox, IncidentResolved, Message, Parties, Week
from bench.scenario.run import run_scenario
from bench.secret import Secret
from bench.shipped import find
from bench.suite_reading import PreparedScenario, read_suite
from bench.trace import Event, Opened
from bench.units import DAY, SECOND
from emulators.installation import EmulatedInstallation

# --- around it is impossible: what the process can reach at all ----------------------------------

FOLDER = Path(bench.migration.__path__[0])
FILES = [*sorted(FOLDER.glob("*.py")), FOLDER.parent / "settling.py"]

MAY_IMPORT = {
    "__future__",
    "collections.abc",
    "contextlib",
    "dataclasses",
    "enum",
    "functools",
    "pathlib",  # where the shipped defaults stand
    "typing",
    "bench",
    "bench.clock",
    "bench.devices",
    "bench.effects",
    "bench.errors",
    "bench.installation",
    "bench.mehrs",
    "bench.mehrs.strategy",
    "bench.parties",
    "bench.secret",
    "bench.settling",
    "bench.trace",
    "bench.units",
}
MAY_TAKE = {
    "bench": {"yaml_source"},  # reads the shipped defaults
    "bench.clock": {"Cancelled"},  # no clock itself
    "bench.mehrs": {"retry"},
}
BUILTINS = {"open", "print", "input", "eval", "exec", "compile", "__import__", "getattr", "vars"}


def imports(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield from ((node.module or "", alias.name) for alias in node.names)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_process_can_reach_nothing_but_effects(file: Path) -> None:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for module, name in imports(tree):
        if module.startswith("bench.migration"):
            continue
        assert module in MAY_IMPORT, f"{file.name} imports {module}"
        assert name in MAY_TAKE.get(module, {name}), f"{file.name} imports {module}.{name}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and file.stem != "defaults":
            assert node.id not in BUILTINS, f"{file.name}:{node.lineno} uses {node.id}"
        if (
            isinstance(node, ast.Attribute)
            and node.attr.startswith("_")
            and node.attr != "__init__"
        ):
            of_self = isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")
            assert of_self, f"{file.name}:{node.lineno} reaches into {node.attr}"


def test_the_folder_was_looked_at() -> None:
    assert {"process", "passage", "key_rotation", "account"} <= {file.stem for file in FILES}


# --- around it is caught: what devices and parties receive is what the observer saw ---------------

WATCHED = (
    "da-commissioned",
    "da-rotation-reply-lost",
    "da-partial-rotation-not-restorable",
    "da-wan-lost-after-the-switch",
    "da-split-both-in-the-week",
    "ioc-commissioning-failed",
    "ioc-smi-incident-never-resolved",
    "mds-retry-is-inconclusive",
    "ea-five-repeats-fail",
)


@pytest.fixture(scope="module")
def suite() -> dict[str, PreparedScenario]:
    _, scenarios = read_suite(find("suites", "default"))
    return {prepared.scenario.scenario: prepared for prepared in scenarios}


class Recorder:
    """A device or party that counts what it is asked, from the opening on."""

    def __init__(self, thing: Any, name: str, asked: Counter[tuple[str, str]]) -> None:
        self._thing, self._name, self._asked = thing, name, asked

    def __getattr__(self, operation: str) -> Any:
        method = getattr(self._thing, operation)

        def ask(*args: Any, **kwargs: Any) -> Any:
            self._asked[self._name, operation] += 1
            return method(*args, **kwargs)

        return ask


class RecordedWorld:
    def __init__(self, world: EmulatedWorld, asked: Counter[tuple[str, str]]) -> None:
        self._world, self._asked, self._opened = world, asked, False

        def recorded(thing: Any, name: str) -> Any:
            return Recorder(thing, name, asked)

        parties = world.parties
        self.devices = {name: recorded(device, name) for name, device in world.devices.items()}
        self.parties = replace(
            parties,
            smso=recorded(parties.smso, "SMSO"),
            requesting_party=recorded(parties.requesting_party, "Requesting Party"),
            suppliers={name: recorded(one, name) for name, one in parties.suppliers.items()},
            mcc=recorded(parties.mcc, "MCC"),
            dsp=recorded(parties.dsp, "DSP"),
            ioc_s1sp=recorded(parties.ioc_s1sp, "IOC S1SP"),
        )
        self.arm, self.truth, self.unstruck = world.arm, world.truth, world.unstruck

    def observe(self, event: Event) -> None:
        if isinstance(event, Opened) and not self._opened:
            self._opened = True
            self._asked.clear()  # what the runner read back before is not the process's
        self._world.observe(event)


@pytest.mark.parametrize("name", WATCHED)
def test_every_request_was_seen_before_and_after(
    monkeypatch: pytest.MonkeyPatch, suite: dict[str, PreparedScenario], name: str
) -> None:
    asked: Counter[tuple[str, str]] = Counter()

    def build(*args: Any, **kwargs: Any) -> RecordedWorld:
        return RecordedWorld(EmulatedInstallation(*args, **kwargs), asked)

    monkeypatch.setattr(staging, "load", lambda group, name: build)
    ran = run_scenario(suite[name], 1)
    before = [act for act in ran.acts if not act.outcome]
    after = [act for act in ran.acts if act.outcome]
    assert Counter((act.target, act.operation) for act in before) == asked
    assert asked.total() > 8
    assert [act.number for act in before] == list(range(1, len(before) + 1))
    assert {act.number: act.target for act in after} == {act.number: act.target for act in before}


def test_what_was_executed_was_asked_for_at_the_choke_point(
    suite: dict[str, PreparedScenario],
) -> None:
    """The emulators' own count of changes, answered or not, has no entry that nobody saw."""
    for name in WATCHED:
        prepared = replace(suite[name])
        ran = run_scenario(prepared, 1)
        seen = Counter((act.target, act.operation) for act in ran.acts if not act.outcome)
        assert ran.after is not None
        counts = {
            **{device: truth.executed for device, truth in ran.after.devices.items()},
            **ran.after.executed,
        }
        assert any(counts.values())
        for target, executed in counts.items():
            for operation, count in executed.items():
                assert count <= seen[target, operation], f"{name}: {target}.{operation}"


def test_what_happens_in_the_world_never_re_enters_the_process(
    monkeypatch: pytest.MonkeyPatch, suite: dict[str, PreparedScenario]
) -> None:
    """No act and no event comes from within an action of the agenda."""
    within: list[int] = []

    class Watched(VirtualClock):
        def call_at(self, at: int, action: Callable[[], None]) -> Any:
            def watched() -> None:
                within.append(at)
                action()
                within.pop()

            return super().call_at(at, watched)

    def emit(self: Effects, event: Event) -> None:
        assert not within
        original_emit(self, event)

    def perform(self: Effects, *args: Any) -> Any:
        assert not within
        return original_perform(self, *args)

    original_emit, original_perform = Effects.emit, Effects.perform
    monkeypatch.setattr(staging, "VirtualClock", Watched)
    monkeypatch.setattr(Effects, "emit", emit)
    monkeypatch.setattr(Effects, "perform", perform)
    for name in WATCHED:
        assert run_scenario(suite[name], 1).migration is not None


# --- the object itself ---------------------------------------------------------------------------


class Thing:
    """Stands for a device and for every party."""

    name = "Northern Energy"

    def __init__(self, error: BaseException | None = None) -> None:
        self._error = error
        self.asked = 0

    def rotate_key(self, slot: KeySlot, key: Secret, counter: int) -> str:
        self.asked += 1
        if self._error is not None:
            raise self._error
        return "done"

    def open(self, weeks: tuple[Week, ...]) -> None:
        self.asked += 1


KEY = Secret(bytes(range(0x41, 0x51)), "new")


def effects_of(
    thing: Thing, seen: list[Act] | None, token: Cancellation | None = None
) -> tuple[Effects, VirtualClock, Inbox, list[Event]]:
    clock = VirtualClock(1000)
    inbox = Inbox(clock)
    emitted: list[Event] = []
    any_thing: Any = thing
    effects = Effects(
        clock=clock,
        inbox=inbox,
        devices={"electricity": any_thing},
        parties=Parties(any_thing, any_thing, {"A": any_thing}, any_thing, any_thing, any_thing),
        keys=MemoryKeyRing({}),
        random_bytes=lambda size: KEY.reveal()[:size],
        sink=emitted.append,
        observer=None if seen is None else seen.append,
        cancellation=token,
    )
    return effects, clock, inbox, emitted


def test_an_act_is_seen_with_its_arguments_and_its_result_and_no_key() -> None:
    seen: list[Act] = []
    effects, _, _, _ = effects_of(Thing(), seen)
    assert effects.meter("electricity").rotate_key(KeySlot.SUA, KEY, counter=7) == "done"  # type: ignore[func-returns-value]
    arguments = f"{KeySlot.SUA!r}, {KEY!r}, counter=7"
    assert seen == [
        Act(1, 1000, "electricity", "rotate_key", arguments),
        Act(1, 1000, "electricity", "rotate_key", arguments, "'done'"),
    ]


@pytest.mark.parametrize(
    "error",
    [NoReply("electricity", "rotate_key"), Refused("x", "y", code="no"), BenchError("port gone")],
)
def test_an_act_that_fails_is_seen_too(error: Exception) -> None:
    seen: list[Act] = []
    effects, _, _, _ = effects_of(Thing(error), seen)
    with pytest.raises(type(error)) as caught:
        effects.meter("electricity").rotate_key(KeySlot.SUA, KEY, 1)
    assert caught.value is error
    assert [act.outcome for act in seen] == ["", f"! {error}"]


def test_an_act_that_is_interrupted_stays_without_a_result() -> None:
    """So that whoever journals knows that it may or may not have been done."""
    seen: list[Act] = []
    effects, _, _, _ = effects_of(Thing(Cancelled("stop")), seen)
    with pytest.raises(Cancelled):
        effects.meter("electricity").rotate_key(KeySlot.SUA, KEY, 1)
    assert [act.outcome for act in seen] == [""]


@pytest.mark.parametrize("seen", [None, []])
def test_after_a_cancellation_nothing_is_asked(seen: list[Act] | None) -> None:
    token, thing = Cancellation(), Thing()
    effects, _, _inbox, _ = effects_of(thing, seen, token)
    token.cancel("stop")
    acts: tuple[Callable[[], object], ...] = (
        lambda: effects.meter("electricity").rotate_key(KeySlot.SUA, KEY, 1),
        lambda: effects.supplier("A").open(()),
        lambda: effects.sleep_until(5000),
        lambda: effects.receive(FileReceived, 5000),
    )
    for act in acts:
        with pytest.raises(Cancelled):
            act()
    assert thing.asked == 0
    assert not seen


def test_what_is_no_request_is_handed_through() -> None:
    effects, _, _, _ = effects_of(Thing(), [])
    assert effects.supplier("A").name == "Northern Energy"
    with pytest.raises(AttributeError):
        effects.supplier("A").nonsense  # type: ignore[attr-defined]  # noqa: B018


def test_messages_are_taken_by_kind_in_their_order() -> None:
    effects, clock, inbox, _ = effects_of(Thing(), None)
    first, second = IncidentResolved("1", "DSP"), IncidentResolved("2", "DSP")
    file = FileReceived("RFS", True)
    arrivals: tuple[tuple[int, Message], ...] = ((1, first), (2, file), (3, second))
    for after, message in arrivals:
        clock.call_at(1000 + after, partial(inbox.deliver, message))
    assert effects.receive(FileReceived, DAY) == (1002, file)
    assert effects.receive_any((IncidentResolved, FileReceived), DAY) == (1001, first)
    assert effects.receive(IncidentResolved, 1002) is None
    assert effects.receive(IncidentResolved, 1003) == (1003, second), "at the deadline exactly"
    inbox.deliver(first)
    effects.forget_messages()
    assert effects.receive(IncidentResolved, DAY) is None
    assert effects.now() == DAY


def test_a_new_key_has_128_bits() -> None:
    effects, _, _, _ = effects_of(Thing(), None)
    key = effects.new_key("gas/SUA")
    assert (len(key.reveal()), key.label) == (16, "gas/SUA")


def test_time_and_events_pass_through() -> None:
    effects, clock, _, emitted = effects_of(Thing(), None)
    effects.sleep_until(1000 + SECOND)
    assert effects.now() == clock.now() == 1000 + SECOND
    event = Opened(at=1, installation="I-1", group="DA")
    effects.emit(event)
    assert emitted == [event]
