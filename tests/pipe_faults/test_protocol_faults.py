"""What each fault of the protocol makes a client see, and what the device really did."""

from __future__ import annotations

import pytest
from dlms_bench import CLOCK, MANAGER
from pipe_peers import (
    COIL,
    DIALECT,
    PLAIN_DIALECT,
    REGISTERS,
    TIMEOUT,
    ConsoleDevice,
    DlmsAsker,
    DlmsDevice,
    ModbusDevice,
    Pipe,
    ask_modbus,
)

from bench.errors import UsageError
from drivers.codecs.acse import Diagnostic
from drivers.codecs.console import (
    Answer,
    ClientEvent,
    ConsoleClient,
    Failure,
    Unexpected,
)
from drivers.codecs.cosem_types import DoubleLongUnsigned
from drivers.codecs.dlms_events import (
    AccessRefused,
    AssociationRefused,
    Completed,
    Excepted,
    LateAnswer,
)
from drivers.codecs.errors import RemoteProtocolError, ReplayError, SecurityError
from drivers.codecs.modbus_messages import (
    Corrupt,
    ExceptionReply,
    Foreign,
    ReadRegisters,
    RegistersRead,
    Truncated,
    Written,
)
from drivers.pipe_faults.console_speech import ConsoleSpeech
from drivers.pipe_faults.dlms_speech import DlmsSpeech
from drivers.pipe_faults.modbus_speech import ModbusSpeech
from drivers.pipe_faults.plan import FaultPlan, PipeFaultSpec, PipeMoment

ENERGY = Completed(DoubleLongUnsigned(123_456))
AT_ONCE = PipeMoment()
ON_GET = PipeMoment(operation="get")


def modbus(fault: str, moment: PipeMoment = AT_ONCE, code: str = "") -> tuple[Pipe, ModbusDevice]:
    board = ModbusDevice()
    spec = PipeFaultSpec(fault, moment, code=code)
    return Pipe(board.answer, spec, speech=ModbusSpeech()), board


@pytest.mark.parametrize(
    ("fault", "code", "expected"), [("busy", "", 6), ("refused", "", 2), ("refused", "11", 11)]
)
def test_a_modbus_unit_that_says_no_did_nothing(fault: str, code: str, expected: int) -> None:
    pipe, board = modbus(fault, code=code)
    assert ask_modbus(pipe.transport, COIL) == ExceptionReply(expected)
    assert board.written == []
    assert ask_modbus(pipe.transport, COIL) == Written()


def test_modbus_answers_to_another_question_are_recognised_where_they_can_be() -> None:
    pipe, _ = modbus("valid-answer-to-another-question")
    assert isinstance(ask_modbus(pipe.transport, REGISTERS), Foreign)
    pipe, _ = modbus("valid-answer-to-another-question", PipeMoment(nth=2))
    ask_modbus(pipe.transport, ReadRegisters(1, 5))
    assert isinstance(ask_modbus(pipe.transport, REGISTERS), Foreign)
    pipe, _ = modbus("valid-answer-to-another-question", PipeMoment(nth=2))
    ask_modbus(pipe.transport, ReadRegisters(1, 2))
    # The protocol cannot tell: nothing in an answer says which question it answers.
    assert ask_modbus(pipe.transport, REGISTERS) == RegistersRead((101, 102))


def test_a_modbus_function_nobody_knows_is_no_answer() -> None:
    pipe, _ = modbus("unknown-response")
    assert isinstance(ask_modbus(pipe.transport, REGISTERS), Foreign | Corrupt | Truncated)
    assert ask_modbus(pipe.transport, REGISTERS) == RegistersRead((107, 108))


def ask_console(pipe: Pipe, command: str) -> ClientEvent:
    client = ConsoleClient(DIALECT)
    pipe.transport.write(client.ask(command).octets)
    deadline = pipe.clock.now() + TIMEOUT
    events: list[ClientEvent] = []
    while not events and (data := pipe.transport.read(deadline)):
        events = client.receive(data)
    pipe.hear()
    return events[0]


def console(fault: str, moment: PipeMoment = AT_ONCE, code: str = "") -> tuple[Pipe, ConsoleDevice]:
    device = ConsoleDevice()
    spec = PipeFaultSpec(fault, moment, code=code)
    return Pipe(device.answer, spec, speech=ConsoleSpeech(DIALECT)), device


@pytest.mark.parametrize(
    ("fault", "code", "expected"),
    [
        ("busy", "", {"code": "1", "reason": "busy"}),
        ("refused", "", {"code": "1", "reason": "refused"}),
        ("refused", "42", {"code": "42", "reason": "refused"}),
    ],
)
def test_a_console_that_says_no_did_nothing(
    fault: str, code: str, expected: dict[str, str]
) -> None:
    pipe, device = console(fault, code=code)
    assert ask_console(pipe, "read-mains") == Failure("read-mains", expected)
    assert device.commands == []
    assert isinstance(ask_console(pipe, "read-mains"), Answer)


def test_a_console_answers_another_question_or_in_words_nobody_knows() -> None:
    moment = PipeMoment(operation="read-mains")
    pipe, _ = console("valid-answer-to-another-question", moment)
    assert isinstance(ask_console(pipe, "read-clock"), Answer)
    assert isinstance(ask_console(pipe, "read-mains"), Unexpected)
    pipe, _ = console("unknown-response", moment)
    assert isinstance(ask_console(pipe, "read-mains"), Unexpected)
    assert isinstance(ask_console(pipe, "read-mains"), Answer)


def test_a_console_without_error_lines_cannot_refuse() -> None:
    with pytest.raises(UsageError, match="no error line"):
        FaultPlan((PipeFaultSpec("busy"),), ConsoleSpeech(PLAIN_DIALECT))
    with pytest.raises(UsageError, match=r"code: .*kind int, got 'many'"):
        FaultPlan((PipeFaultSpec("refused", code="many"),), ConsoleSpeech(DIALECT))


def dlms(*specs: PipeFaultSpec, client: int = 0x10) -> tuple[Pipe, DlmsDevice, DlmsAsker]:
    device = DlmsDevice(client)
    pipe = Pipe(device.answer, *specs, speech=DlmsSpeech())
    return pipe, device, DlmsAsker(pipe.transport, client)


@pytest.mark.parametrize(
    ("fault", "code", "expected"), [("busy", "", 2), ("refused", "", 3), ("refused", "11", 11)]
)
def test_a_meter_that_refuses_did_not_see_the_request_and_the_link_goes_on(
    fault: str, code: str, expected: int
) -> None:
    _, device, asker = dlms(PipeFaultSpec(fault, ON_GET, code=code))
    asker.associate()
    assert asker.get() == AccessRefused(expected)
    assert CLOCK not in device.asked[-1]
    assert device.asked[-1][4:10] == bytes((15, 0, 0, 40, 0, 0))
    assert asker.get() == ENERGY


@pytest.mark.parametrize("fault", ["busy", "refused", "authentication-failure"])
def test_a_ciphered_request_is_refused_by_an_exception(fault: str) -> None:
    _, _, asker = dlms(PipeFaultSpec(fault, ON_GET), client=MANAGER)
    asker.associate()
    assert isinstance(asker.get(), Excepted)
    assert asker.get() == ENERGY


@pytest.mark.parametrize(
    ("fault", "diagnostic"),
    [
        ("busy", Diagnostic.NO_REASON_GIVEN),
        ("refused", Diagnostic.NO_REASON_GIVEN),
        ("authentication-failure", Diagnostic.AUTHENTICATION_FAILURE),
    ],
)
def test_an_association_is_refused(fault: str, diagnostic: Diagnostic) -> None:
    _, _, asker = dlms(PipeFaultSpec(fault, PipeMoment(operation="associate")))
    event = asker.associate()
    assert isinstance(event, AssociationRefused)
    assert event.diagnostic == diagnostic


def test_wrong_sequence_numbers_deliver_nothing() -> None:
    pipe, _, asker = dlms(PipeFaultSpec("wrong-sequence", ON_GET))
    asker.associate()
    assert asker.get() is None
    assert pipe.struck == ["wrong-sequence"]


def test_a_replayed_counter_and_a_jumped_one_are_refused() -> None:
    replay = PipeFaultSpec("counter-replayed", PipeMoment(operation="get", nth=2))
    jump = PipeFaultSpec("counter-jumped", PipeMoment(operation="get", nth=3))
    pipe, _, asker = dlms(replay, jump, client=MANAGER)
    asker.associate()
    assert asker.get() == ENERGY
    with pytest.raises(ReplayError):
        asker.get()
    asker.client.abandon()
    with pytest.raises(SecurityError):
        asker.get()
    asker.client.abandon()
    assert asker.get() == ENERGY
    assert pipe.struck == ["counter-replayed", "counter-jumped"]


def test_an_answer_of_another_kind_is_no_replay() -> None:
    pipe, _, asker = dlms(PipeFaultSpec("counter-replayed", ON_GET), client=MANAGER)
    asker.associate()  # its last answer was ciphered, too
    assert asker.get() == ENERGY
    assert pipe.struck == []
    with pytest.raises(ReplayError):
        asker.get()


def test_an_unciphered_answer_has_no_counter_to_strike() -> None:
    specs = [PipeFaultSpec(name, ON_GET) for name in ("counter-replayed", "counter-jumped")]
    pipe, _, asker = dlms(*specs)
    asker.associate()
    assert [asker.get() for _ in range(3)] == [ENERGY] * 3
    assert pipe.struck == []


def test_an_answer_to_an_earlier_question_is_late_not_right() -> None:
    moment = PipeMoment(operation="get", nth=2)
    pipe, _, asker = dlms(PipeFaultSpec("valid-answer-to-another-question", moment))
    asker.associate()
    asker.get(CLOCK, 8)
    assert isinstance(asker.get(), LateAnswer)
    assert pipe.struck == ["valid-answer-to-another-question"]


def test_an_apdu_nobody_knows_is_the_meters_fault() -> None:
    _, _, asker = dlms(PipeFaultSpec("unknown-response", ON_GET))
    asker.associate()
    with pytest.raises(RemoteProtocolError):
        asker.get()
