"""The faulty pipe itself: what passes, when a fault strikes, and the clock."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pipe_peers import REACTION, START, TIMEOUT, Device, ModbusDevice, Pipe, ask_modbus

from bench.clock import VirtualClock
from bench.errors import PortGone, UsageError
from bench.units import HOUR, MILLISECOND, SECOND
from drivers.capture.records import CaptureList, Direction, Passed
from drivers.capture.tee import CapturingTransport
from drivers.codecs.modbus_messages import ReadRegisters, RegistersRead, Silence
from drivers.pipe_faults import FAULTS
from drivers.pipe_faults.faulty import FaultyTransport, Struck
from drivers.pipe_faults.modbus_speech import ModbusSpeech
from drivers.pipe_faults.plan import FaultPlan, PipeFaultSpec, PipeMoment
from drivers.transport.line import LineSettings
from drivers.transport.memory import MemoryPort
from drivers.transport.pipe import SecretSpan, quiet


def say(answer: bytes) -> Callable[[bytes], bytes]:
    """Answers what ends with a question mark."""
    return lambda data: answer if data.endswith(b"?") else b""


def numbered() -> Callable[[bytes], bytes]:
    """Answers each request with its number."""
    count = 0

    def answer(data: bytes) -> bytes:
        nonlocal count
        count += 1
        return b"answer %d" % count

    return answer


def test_without_a_fault_the_pipe_is_as_before() -> None:
    clock = VirtualClock(START)
    port = MemoryPort("kit", clock)
    Device(port, numbered())
    bare = port.connect(LineSettings())
    bare.write(b"?")
    expected: list[tuple[int, bytes]] = []
    while data := bare.read(START + SECOND):
        expected.append((bare.received_at, data))

    pipe = Pipe(numbered())
    pipe.transport.write(b"?")
    seen: list[tuple[int, bytes]] = []
    while data := pipe.transport.read(START + SECOND):
        seen.append((pipe.transport.received_at, data))
    assert seen == expected
    assert pipe.transport.port == "emu:kit"
    assert pipe.transport.clock is pipe.clock
    pipe.transport.set_line(LineSettings.parse("300 7E1"))
    assert str(pipe.transport.line) == "300 7E1"
    assert pipe.transport.struck == []


def test_a_write_in_pieces_is_one_request() -> None:
    pipe = Pipe(None, PipeFaultSpec("request-lost", PipeMoment(nth=2)))
    pipe.transport.write(b"fi")
    pipe.transport.write(b"rst")
    pipe.hear()
    pipe.transport.write(b"sec")
    pipe.transport.write(b"ond")
    pipe.hear()
    pipe.ask(b"third")
    assert pipe.device.heard == b"firstthird"
    assert pipe.transport.struck == [Struck(START + TIMEOUT, "request-lost", 2, "other")]


@pytest.mark.parametrize(
    ("moment", "times", "lost"),
    [
        (PipeMoment(), 1, {1}),
        (PipeMoment(nth=3), 1, {3}),
        (PipeMoment(nth=2), 2, {2, 3}),
        (PipeMoment(after=2 * TIMEOUT), 1, {3}),
        (PipeMoment(after=TIMEOUT, before=3 * TIMEOUT), 9, {2, 3}),
        (PipeMoment(after=TIMEOUT, nth=2), 1, {3}),
        (PipeMoment(before=TIMEOUT, nth=2), 9, set()),
    ],
)
def test_a_fault_strikes_at_its_moment(moment: PipeMoment, times: int, lost: set[int]) -> None:
    pipe = Pipe(numbered(), PipeFaultSpec("no-reply", moment, times))
    answers = [pipe.ask(b"?") for _ in range(5)]
    assert answers == [b"" if n in lost else b"answer %d" % n for n in range(1, 6)]


def test_a_fault_of_one_operation_leaves_the_others() -> None:
    moment = PipeMoment(operation="read-input-registers", nth=2)
    spec = PipeFaultSpec("no-reply", moment)
    pipe = Pipe(ModbusDevice().answer, spec, speech=ModbusSpeech())
    holding, inputs = ReadRegisters(1, 1), ReadRegisters(1, 1, inputs=True)
    asked = [inputs, holding, holding, inputs, inputs]
    outcomes = [ask_modbus(pipe.transport, request) for request in asked]
    assert [type(outcome) for outcome in outcomes] == [
        RegistersRead,
        RegistersRead,
        RegistersRead,
        Silence,
        RegistersRead,
    ]
    assert pipe.transport.struck[0].operation == "read-input-registers"


def test_of_two_faults_due_at_once_the_second_waits_for_the_next_request() -> None:
    pipe = Pipe(numbered(), PipeFaultSpec("no-reply"), PipeFaultSpec("duplicated"))
    assert [pipe.ask(b"?") for _ in range(3)] == [b"", b"answer 2answer 2", b"answer 3"]


def test_a_fault_that_finds_nothing_to_damage_waits() -> None:
    pipe = Pipe(say(b"1"), PipeFaultSpec("truncated"))
    assert pipe.ask(b"?") == b"1"
    assert pipe.struck == []
    silent = Pipe(None, PipeFaultSpec("bits-flipped"))
    assert silent.ask(b"?") == b""
    assert silent.struck == []


def test_a_late_reply_comes_before_the_time_out_after_it_or_after_the_next_request() -> None:
    in_time = Pipe(numbered(), PipeFaultSpec("reply-late", lasts=SECOND // 2))
    in_time.transport.write(b"?")
    assert in_time.hear(SECOND // 2) == b""
    assert in_time.hear(SECOND // 2) == b"answer 1"

    after = Pipe(numbered(), PipeFaultSpec("reply-late", lasts=2 * SECOND))
    assert after.ask(b"?") == b""
    assert after.hear(2 * SECOND) == b"answer 1"

    next_one = Pipe(numbered(), PipeFaultSpec("reply-late", lasts=SECOND))
    assert next_one.ask(b"?") == b""
    assert next_one.ask(b"?") == b"answer 2answer 1"


def test_a_late_reply_is_on_its_way_and_survives_discarding_but_not_a_quiet_line() -> None:
    pipe = Pipe(numbered(), PipeFaultSpec("reply-late", lasts=2 * SECOND))
    pipe.ask(b"?")
    pipe.transport.discard_input()
    assert pipe.hear(2 * SECOND) == b"answer 1"

    kept_quiet = Pipe(numbered(), PipeFaultSpec("reply-late", lasts=2 * SECOND))
    kept_quiet.ask(b"?")
    assert quiet(kept_quiet.transport, 3 * SECOND, kept_quiet.clock.now() + HOUR)
    assert kept_quiet.ask(b"?") == b"answer 2"


def test_what_arrived_is_discarded() -> None:
    pipe = Pipe(say(b"old"), PipeFaultSpec("duplicated", PipeMoment(nth=2)))
    for _ in range(2):
        pipe.transport.write(b"?")
        pipe.clock.sleep_until(pipe.clock.now() + SECOND)
        pipe.transport.discard_input()
        assert pipe.transport.read(pipe.clock.now()) == b""
    pipe.clock.sleep_until(pipe.clock.now() + SECOND)
    pipe.transport.discard_input()
    assert pipe.hear() == b""


@pytest.mark.parametrize("seed", range(3))
def test_the_same_seed_does_the_same_damage(seed: int) -> None:
    def heard(seed: int) -> list[bytes]:
        faults = [PipeFaultSpec(name) for name in ("bits-flipped", "noise-inserted", "truncated")]
        pipe = Pipe(say(bytes(range(64))), *faults, seed=seed)
        return [pipe.ask(b"?") for _ in range(3)]

    assert heard(seed) == heard(seed)
    assert heard(seed) != heard(seed + 1)


def test_what_one_fault_does_is_the_same_whatever_else_is_in_the_plan_behind_it() -> None:
    alone = Pipe(say(bytes(range(64))), PipeFaultSpec("bits-flipped"))
    beside = Pipe(say(bytes(range(64))), PipeFaultSpec("bits-flipped"), PipeFaultSpec("babble"))
    damaged = alone.ask(b"?")
    beside.transport.write(b"?")
    assert damaged != bytes(range(64))
    first = beside.transport.read(START + HOUR)
    while damaged != first:
        first = beside.transport.read(START + HOUR)
        assert first


@pytest.mark.parametrize("seed", range(8))
def test_an_unplugged_port_is_gone_until_it_is_reopened(seed: int) -> None:
    pipe = Pipe(say(b"yes"), PipeFaultSpec("unplugged", lasts=10 * SECOND), seed=seed)
    with pytest.raises(PortGone):
        pipe.transport.write(b"a request?")
    pipe.clock.sleep_until(START + SECOND)
    assert b"a request?".startswith(pipe.device.heard)
    for call in (
        lambda: pipe.transport.read(START + SECOND),
        lambda: pipe.transport.write(b"x"),
        pipe.transport.discard_input,
        lambda: pipe.transport.set_line(LineSettings()),
    ):
        with pytest.raises(PortGone):
            call()
    with pytest.raises(PortGone, match="did not come back"):
        pipe.transport.reopen(START + 5 * SECOND)
    assert pipe.clock.now() == START + 5 * SECOND
    pipe.transport.reopen(START + HOUR)
    assert pipe.clock.now() == START + 10 * SECOND
    assert pipe.ask(b"?") == b"yes"


def test_an_adapter_pulled_for_good_never_comes_back() -> None:
    pipe = Pipe(say(b"yes"), PipeFaultSpec("unplugged"))
    with pytest.raises(PortGone):
        pipe.transport.write(b"?")
    with pytest.raises(PortGone):
        pipe.transport.reopen(START + HOUR)


def test_a_real_loss_of_the_port_passes_through() -> None:
    pipe = Pipe(say(b"yes"), PipeFaultSpec("reply-late", lasts=HOUR))
    pipe.transport.write(b"?")
    pipe.clock.call_at(START + SECOND, pipe.port.unplug)
    with pytest.raises(PortGone):
        pipe.hear(HOUR)


def test_babble_never_lets_the_line_be_quiet_and_ends() -> None:
    pipe = Pipe(say(b"yes"), PipeFaultSpec("babble", lasts=10 * SECOND))
    assert len(pipe.ask(b"?", 5 * SECOND)) > 100
    assert not quiet(pipe.transport, SECOND, START + 9 * SECOND)
    assert quiet(pipe.transport, SECOND, START + 20 * SECOND)
    assert pipe.ask(b"?") == b"yes"


def test_babble_nobody_reads_does_not_pile_up() -> None:
    pipe = Pipe(None, PipeFaultSpec("babble"))
    pipe.transport.write(b"?")
    pipe.clock.sleep_until(START + 24 * HOUR)
    got = 0
    while data := pipe.transport.read(pipe.clock.now()):
        got += len(data)
    assert 0 < got < 8_192


def test_a_line_held_low_gives_one_zero_and_then_nothing_until_it_rises() -> None:
    pipe = Pipe(say(b"yes"), PipeFaultSpec("stuck-break", lasts=3 * SECOND))
    assert [pipe.ask(b"?") for _ in range(4)] == [b"\0", b"", b"", b"yes"]
    assert pipe.device.heard == b"?"


@pytest.mark.parametrize("fault", ["wrong-baud", "wrong-parity"])
@pytest.mark.parametrize("line", ["9600 8N1", "300 7E1", "115200 8E1"])
@pytest.mark.parametrize("seed", range(4))
def test_a_device_set_differently_is_not_understood(fault: str, line: str, seed: int) -> None:
    asked, answer = b"a request?", b"the answer"
    pipe = Pipe(say(answer), PipeFaultSpec(fault, lasts=9 * SECOND), seed=seed, line=line)
    first = pipe.ask(asked, 9 * SECOND)
    assert pipe.device.heard != asked
    if fault == "wrong-baud":
        assert first != answer
    assert pipe.ask(asked, 9 * SECOND) == answer


def test_a_key_that_a_fault_changed_on_its_way_out_is_still_hidden() -> None:
    clock = VirtualClock(START)
    port = MemoryPort("kit", clock)
    stored = CaptureList()
    tee = CapturingTransport(port.connect(LineSettings()), stored)
    plan = FaultPlan((PipeFaultSpec("wrong-baud"),))
    transport = FaultyTransport(tee, plan, clock, seed=1)
    key = bytes(range(0x41, 0x51))
    transport.write(b"KEY " + key, [SecretSpan(4, 20, "guek")])
    (sent,) = (r for r in stored.records if isinstance(r, Passed) and r.direction is Direction.OUT)
    assert not any(isinstance(segment, bytes) and segment for segment in sent.segments)


def test_everything_wrong_with_a_plan_is_said_at_once() -> None:
    with pytest.raises(UsageError) as caught:
        FaultPlan(
            (
                PipeFaultSpec("no-repyl"),
                PipeFaultSpec("reply-late"),
                PipeFaultSpec("busy"),
                PipeFaultSpec("no-reply", PipeMoment(nth=0, operation="get"), lasts=-1, code="7"),
                PipeFaultSpec("babble", PipeMoment(after=2, before=1), times=0),
            )
        )
    text = str(caught.value)
    for said in (
        "fault 1 (no-repyl): no pipe fault has that name; did you mean",
        "fault 2 (reply-late): lasts: say how long",
        "fault 3 (busy): needs to know the protocol (console, dlms, modbus)",
        "fault 4 (no-reply): nth: expected 1 or more, got 0",
        "fault 4 (no-reply): operation get: nobody says which protocol",
        "fault 4 (no-reply): lasts: this fault does not take it",
        "fault 4 (no-reply): lasts: expected more than nothing",
        "fault 4 (no-reply): code: this fault does not take it",
        "fault 5 (babble): before: expected a time later than after",
        "fault 5 (babble): times: expected 1 or more, got 0",
    ):
        assert said in text


def test_a_fault_that_makes_no_sense_for_the_protocol_is_refused() -> None:
    with pytest.raises(UsageError, match="makes sense for dlms, not for modbus"):
        FaultPlan((PipeFaultSpec("wrong-sequence"),), ModbusSpeech())
    with pytest.raises(UsageError, match="request: modbus has no 'rotate_key' on its line; there"):
        FaultPlan((PipeFaultSpec("no-reply", PipeMoment(operation="rotate_key")),), ModbusSpeech())
    with pytest.raises(UsageError, match="exception code of 1 to 255, got 'x'"):
        FaultPlan((PipeFaultSpec("refused", code="x"),), ModbusSpeech())
    with pytest.raises(UsageError, match="silence"):
        FaultPlan((), silence=0)


def test_a_struck_answer_waits_for_the_line_to_be_silent_and_no_longer() -> None:
    pipe = Pipe(say(b"ok"), PipeFaultSpec("duplicated"))
    pipe.transport.write(b"?")
    assert pipe.transport.read(START + SECOND) == b"okok"
    line = LineSettings()
    whole_at = START + line.span(1) + REACTION + line.span(2)
    assert pipe.transport.received_at == whole_at + 50 * MILLISECOND


def test_every_fault_has_a_check_in_this_folder() -> None:
    """A fault nobody tests would be a claim."""
    from pathlib import Path

    text = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("*.py"))
    assert [name for name in FAULTS if f'"{name}"' not in text] == []
