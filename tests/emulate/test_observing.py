"""Topology B: the trace of what an S1SP does to devices, judged by the checker."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.clock import VirtualClock
from bench.conformance.checker import Checker
from bench.devices import KeySlot, Role
from bench.emulation import Act, Answer
from bench.errors import PeerError, UsageError
from bench.fault_option import parse_fault
from bench.hosting import Hosted, HostingPlan, PtyPlace
from bench.installation_file import read_installation
from bench.mehrs.loader import load_strategy
from bench.observing.map_file import ObservationMap, ObservedSection, Passage, read_map
from bench.observing.observer import UNSEEN, Observer
from bench.parties import Group
from bench.secret import Secret
from bench.shipped import fixtures
from bench.trace import Attempt, Event, Key, to_json
from bench.trace_reading.event import event_of
from bench.units import HOUR, MINUTE, SECOND, Micros, format_instant, parse_instant
from bench.verdict import Verdict
from drivers import dlms_meter
from drivers.profiles.dlms_keys import demo_meter_keys
from drivers.transport.memory import MemoryPort
from emulators.hosting.home import EmulatedHome
from emulators.hosting.watching import keys_held, watch
from emulators.wire.serving import serve
from tests.emulate.conftest import COMMAND

PROFILE = "generic-dlms-electricity"
NEW = Secret(b"\x5a" * 16, "new")
MAPS = fixtures() / "observing"
START = parse_instant("2021-04-08T09:30:00Z")
ASKED = {
    "electricity": frozenset(
        {"identify", "read_registers", "rotate_key", "prove_key", "key_state"}
    ),
    "gas": frozenset({"rotate_key", "prove_key", "key_state"}),
}


def on_device_check(**changed: Any) -> ObservationMap:
    section = ObservedSection(
        "3.1", "electricity", ("identify", "read_registers"), "read_registers"
    )
    return ObservationMap("test", "I-1", Group.IOC, (section,), **changed)


class S1sp:
    """Drives an emulated meter in virtual time through the driver, while an observer watches."""

    def __init__(self, map_: ObservationMap, *faults: str) -> None:
        self.clock = VirtualClock(START)
        self.events: list[Event] = []
        installation = read_installation(fixtures() / "installations" / "da-dual-fuel.yaml")
        meter = Hosted("electricity", Role.ELECTRICITY_METER, PROFILE, PtyPlace(Path("none")))
        armed = tuple(parse_fault(fault, ("electricity",)) for fault in faults)
        self.home = EmulatedHome(HostingPlan(installation, (meter,), faults=armed), self.clock)
        profile = self.home.profiles["electricity"]
        port = MemoryPort("electricity", self.clock, profile.line.settings)
        port.attach(serve(self.home.world, "electricity", profile, port, "1"))
        self.observer = Observer(map_, self.events.append)
        watch(self.home.world, "electricity", self.observer)
        self.observer.begin(self.clock.now(), keys_held(self.home.world))
        keys = demo_meter_keys(self.home.models["electricity"].spec.eui64)
        transport = port.connect(profile.line.settings)
        self.meter = dlms_meter.DlmsMeter("electricity", profile, transport, keys)

    def check_on_device(self) -> None:
        with suppress(PeerError):
            self.meter.identify()
            self.meter.read_registers()

    def wait(self, span: Micros) -> None:
        self.clock.sleep_until(self.clock.now() + span)

    def judged(self, overlay: Path | None = None) -> dict[str, Verdict]:
        """Each exercised rule's verdict."""
        self.observer.finish(self.clock.now())
        checker = Checker(load_strategy("5.0", "4.0", overlay))
        for line, event in enumerate(self.events, 1):
            checker.feed(event, line)
        rules = checker.finish().rules
        return {
            rule: Verdict.FAIL
            if count.failed
            else Verdict.INCONCLUSIVE
            if count.inconclusive
            else Verdict.PASS
            for rule, count in rules.items()
        }

    def kinds(self) -> list[str]:
        return [event.kind for event in self.events]


def test_an_s1sp_that_retries_every_30_minutes_passes() -> None:
    s1sp = S1sp(on_device_check(), "refused:request=read_registers,code=busy,times=3")
    for _ in range(4):
        s1sp.check_on_device()
        s1sp.wait(30 * MINUTE)
    assert s1sp.judged() == {"3.1-long-interval": Verdict.PASS, "3.1-total-period": Verdict.PASS}
    attempts = [event for event in s1sp.events if isinstance(event, Attempt)]
    assert [one.outcome for one in attempts] == ["failed", "failed", "failed", "succeeded"]
    assert [one.phase for one in attempts] == ["short", "long", "long", "long"]


def test_one_that_retries_after_25_minutes_is_found() -> None:
    s1sp = S1sp(on_device_check(), "refused:request=read_registers,code=busy,times=9")
    for _ in range(4):
        s1sp.check_on_device()
        s1sp.wait(25 * MINUTE)
    assert s1sp.judged()["3.1-long-interval"] is Verdict.FAIL


def test_one_that_asks_again_at_once_is_found_though_the_gap_is_long() -> None:
    s1sp = S1sp(on_device_check(), "refused:request=read_registers,code=busy,times=9")
    for _ in range(4):
        s1sp.check_on_device()
    assert s1sp.judged()["3.1-long-interval"] is Verdict.FAIL


def test_one_that_goes_on_beyond_the_total_period_is_found() -> None:
    s1sp = S1sp(on_device_check(), "refused:request=read_registers,code=busy,times=200")
    for _ in range(99):
        s1sp.check_on_device()
        s1sp.wait(30 * MINUTE)
    assert s1sp.judged()["3.1-total-period"] is Verdict.FAIL


def test_a_device_that_was_off_during_a_wait_leaves_it_inconclusive() -> None:
    s1sp = S1sp(on_device_check(), "refused:request=read_registers,code=busy,times=9")
    for number in range(3):
        s1sp.check_on_device()
        s1sp.wait(10 * MINUTE)
        if number == 1:
            s1sp.home.models["electricity"].restart()
        s1sp.wait(20 * MINUTE)
    assert s1sp.judged()["3.1-long-interval"] is Verdict.INCONCLUSIVE
    assert "outage" in s1sp.kinds()


def test_reading_for_other_reasons_is_no_attempt() -> None:
    s1sp = S1sp(on_device_check())
    s1sp.meter.identify()
    s1sp.wait(HOUR)
    assert s1sp.judged() == {}
    assert s1sp.kinds() == ["opened", "closed"]


ROTATION = ObservedSection(
    "3.3", "electricity", ("rotate_key", "prove_key", "key_state"), "rotate_key"
)
DA = ObservationMap("test", "I-1", Group.DA, (ROTATION,))
OVERLAY = fixtures() / "overlays" / "lab-copy-of-mehrs-5.0.yaml"


def rotate(s1sp: S1sp, command: int) -> None:
    with suppress(PeerError):
        s1sp.meter.rotate_key(KeySlot.SUA, NEW, command)
        s1sp.meter.prove_key(KeySlot.SUA, NEW)


def test_a_rotation_that_was_repeated_too_early_is_found_by_the_lab_s_numbers() -> None:
    s1sp = S1sp(DA, "refused:request=rotate_key,code=busy,times=2")
    for command in (1, 2, 3):
        rotate(s1sp, command)
        s1sp.wait(5 * MINUTE)
    assert s1sp.judged(OVERLAY) == {"3.3-sua-retry": Verdict.FAIL}
    keys = [(each.state, each.proof) for each in s1sp.events if isinstance(each, Key)]
    assert keys == [("new", "ack"), ("new", "probe")]


def test_of_a_da_installation_nothing_passes_for_what_no_device_sees() -> None:
    """No MGF was seen, but no device sees files: the passage stays open, so no rule says pass."""
    s1sp = S1sp(DA)
    rotate(s1sp, 1)
    assert s1sp.judged(OVERLAY) == {}
    assert "closed" not in s1sp.kinds()
    opened = json.loads(to_json(s1sp.events[0]))
    assert opened["unseen"] == list(UNSEEN)
    assert opened["kit"] == "EMULATED"


def test_with_the_parties_log_a_da_passage_is_judged_whole(tmp_path: Path) -> None:
    s1sp = S1sp(replace(DA, passage=Passage.ELSEWHERE), "refused:request=rotate_key,times=1")
    rotate(s1sp, 1)
    s1sp.wait(30 * MINUTE)
    rotate(s1sp, 2)
    s1sp.observer.finish(s1sp.clock.now())
    seen, parties = tmp_path / "devices.jsonl", tmp_path / "parties.jsonl"
    seen.write_text("".join(to_json(event) + "\n" for event in s1sp.events))
    end = format_instant(s1sp.clock.now() + SECOND)
    head = f'{{"at": "{format_instant(START)}", "installation": "I-1", "event": "opened", '
    tail = f'{{"at": "{end}", "installation": "I-1", "event": "closed", '
    parties.write_text(head + '"group": "DA"}\n' + tail + '"outcome": "withdrawn"}\n')
    done = subprocess.run(
        [COMMAND, "check", seen, parties, "--sort", "--json", "--overlay", OVERLAY],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["rules"]["3.3-sua-retry"]["passed"] == 1


def test_a_lost_answer_leaves_the_attempt_unknown() -> None:
    s1sp = S1sp(DA, "reply-lost:request=rotate_key")
    rotate(s1sp, 1)
    s1sp.wait(HOUR)
    s1sp.observer.settle(s1sp.clock.now())
    (attempt,) = [event for event in s1sp.events if isinstance(event, Attempt)]
    assert (attempt.outcome, attempt.number) == ("unknown", 1)


times = st.lists(
    st.tuples(
        st.integers(0, 3 * MINUTE),
        st.sampled_from(["identify", "read_registers"]),
        st.sampled_from(list(Answer)),
        st.integers(0, 2 * MINUTE),
    ),
    max_size=30,
)


@settings(max_examples=40)
@given(times)
def test_whatever_is_asked_the_trace_is_one(acts: list[tuple[int, str, Answer, int]]) -> None:
    """No order of requests, late answers and outages makes a trace that the checker refuses."""
    events: list[Event] = []
    observer = Observer(on_device_check(), events.append)
    observer.begin(START, {})
    now = START
    for number, (wait, operation, answer, late) in enumerate(acts):
        now += wait
        if number % 5 == 4:
            observer.power("electricity", now, up=bool(number % 2))
        observer.act(Act("electricity", operation, operation, now, now + late, answer, "no"))
    observer.finish(now)
    assert [event.at for event in events] == sorted(event.at for event in events)
    checker = Checker(load_strategy("5.0", "4.0"))
    for line, event in enumerate(events, 1):
        checker.feed(event_of(json.loads(to_json(event))), line)
    checker.finish()


def test_the_shipped_maps_are_read() -> None:
    for path in sorted(MAPS.glob("*.yaml")):
        assert read_map(path, ASKED).map == path.stem


WRONG = {
    'section: "3.1"': ('section: "3.4.1"', "expected one that a device takes part in"),
    "device: electricity": ("device: electricty", "did you mean 'electricity'?"),
    "asks: [identify,": ("asks: [identfy,", "did you mean 'identify'?"),
    "done-by: read_registers": ("done-by: read_clock", "expected one of asks"),
    "gap: 60s": ("gap: 0s", "expected a duration above 0"),
    "short-attempts: 1": ("short-attempts: -1", "expected a whole number from 0, got -1"),
    "group: IOC": ("group: MDS", "section 3.1 is for group IOC, the map for MDS"),
}


@pytest.mark.parametrize("right", WRONG)
def test_a_map_that_is_wrong_says_where(right: str, tmp_path: Path) -> None:
    wrong, message = WRONG[right]
    text = (MAPS / "ioc-on-device-check.yaml").read_text()
    assert text.count(right) == 1
    path = tmp_path / "map.yaml"
    path.write_text(text.replace(right, wrong))
    with pytest.raises(UsageError) as refused:
        read_map(path, ASKED)
    (problem,) = refused.value.problems
    assert message in str(problem)
    assert str(problem).startswith(f"{path}:")


def test_a_foreign_process_is_observed_and_judged(
    emulate: Callable[..., Any], tmp_path: Path
) -> None:
    trace = tmp_path / "trace.jsonl"
    running = emulate(
        *("electricity-meter", "--port", "tcp:127.0.0.1:0", "--observe", str(trace)),
        *("--map", str(MAPS / "ioc-on-device-check.yaml")),
        *("--fault", "refused:request=read_registers,code=busy,times=3"),
    )
    keys = running.keys("electricity")
    with closing(dlms_meter.connect(running.address("electricity"), keys=keys)) as meter:
        for _ in range(3):
            with pytest.raises(PeerError):
                meter.read_registers()
        meter.read_registers()
    running.stop()
    done = subprocess.run(
        [COMMAND, "check", trace, "--json"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, "the next attempt at once, where 30 min are asked for"
    found = json.loads(done.stdout)
    assert [each["rule"] for each in found["findings"]] == ["3.1-long-interval"]
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text(
        'overlay: seconds\napplies-to: "5.0"\nparameters:\n'
        '  3.1.long-interval: {value: 1s, source: "test value, from no document"}\n'
    )
    done = subprocess.run(
        [COMMAND, "check", trace, "--overlay", overlay], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
