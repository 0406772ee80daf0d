"""What each fault of the line makes of a request or an answer."""

from __future__ import annotations

from contextlib import suppress
from itertools import pairwise

import pytest
from pipe_peers import (
    COIL,
    REGISTERS,
    START,
    DlmsAsker,
    DlmsDevice,
    ModbusDevice,
    Pipe,
    ask_modbus,
)

from bench.units import MILLISECOND, SECOND
from drivers.codecs.cosem_types import DoubleLongUnsigned
from drivers.codecs.dlms_events import Completed
from drivers.codecs.errors import RemoteProtocolError
from drivers.codecs.hdlc_link import LinkState
from drivers.codecs.iec62056_21_messages import Data, block_message
from drivers.codecs.modbus_frames import checksum_holds
from drivers.codecs.modbus_messages import Corrupt, Foreign, RegistersRead, Silence, Written
from drivers.pipe_faults.dlms_speech import DlmsSpeech
from drivers.pipe_faults.modbus_speech import ModbusSpeech
from drivers.pipe_faults.plan import PipeFaultSpec, PipeMoment
from drivers.transport.unsolicited import LineClassifier, UnsolicitedQueue

ANSWER = bytes(range(1, 101))
SEEDS = range(20)


def heard(fault: str, seed: int, answer: bytes = ANSWER, **options: int) -> bytes:
    spec = PipeFaultSpec(fault, **options)  # type: ignore[arg-type]
    pipe = Pipe(lambda data: answer, spec, seed=seed)
    got = pipe.ask(b"?", 10 * SECOND)
    assert pipe.struck == [fault]
    assert pipe.ask(b"?", 10 * SECOND) == answer
    return got


def is_subsequence(part: bytes, whole: bytes) -> bool:
    rest = iter(whole)
    return all(octet in rest for octet in part)


@pytest.mark.parametrize("seed", SEEDS)
def test_damage_is_what_the_fault_says(seed: int) -> None:
    assert heard("no-reply", seed) == b""
    assert heard("duplicated", seed) == ANSWER * 2
    assert heard("reply-late", seed, lasts=SECOND) == ANSWER
    truncated = heard("truncated", seed)
    assert 0 < len(truncated) < len(ANSWER)
    assert ANSWER.startswith(truncated)
    assert heard("split-with-pauses", seed) == ANSWER
    fewer = heard("octets-lost", seed)
    assert len(ANSWER) - 10 <= len(fewer) < len(ANSWER)
    assert is_subsequence(fewer, ANSWER)
    flipped = heard("bits-flipped", seed)
    changed = [a ^ b for a, b in zip(flipped, ANSWER, strict=True) if a != b]
    assert len(changed) == 1
    assert 1 <= changed[0].bit_count() <= 3
    assert changed[0] < 0x80
    noisy = heard("noise-inserted", seed)
    assert 1 <= len(noisy) - len(ANSWER) <= 8
    assert is_subsequence(ANSWER, noisy)


def test_a_lost_request_never_reaches_the_device_and_a_lost_reply_does() -> None:
    board = ModbusDevice()
    faults = [PipeFaultSpec("request-lost"), PipeFaultSpec("no-reply")]
    pipe = Pipe(board.answer, *faults, speech=ModbusSpeech())
    assert ask_modbus(pipe.transport, COIL) == Silence()
    assert board.written == []
    assert ask_modbus(pipe.transport, COIL) == Silence()
    assert board.written == [COIL]
    assert ask_modbus(pipe.transport, COIL) == Written()


@pytest.mark.parametrize("seed", SEEDS)
def test_the_pauses_of_a_split_answer_are_as_long_as_said(seed: int) -> None:
    spec = PipeFaultSpec("split-with-pauses", lasts=300 * MILLISECOND)
    pipe = Pipe(lambda data: ANSWER, spec, seed=seed)
    pipe.transport.write(b"?")
    moments = []
    while pipe.transport.read(START + 10 * SECOND):
        moments.append(pipe.transport.received_at)
    assert 2 <= len(moments) <= 6
    assert {b - a for a, b in pairwise(moments)} == {300 * MILLISECOND}


def test_an_echo_comes_first_and_in_its_time() -> None:
    answer = {b"q?": b"answer"}
    pipe = Pipe(lambda data: answer[data], PipeFaultSpec("echoed"))
    pipe.transport.write(b"q?")
    assert pipe.transport.read(START + SECOND) == b"q?"
    assert pipe.transport.received_at == START + pipe.transport.line.span(2)
    assert pipe.hear() == b"answer"


@pytest.mark.parametrize("seed", SEEDS)
def test_content_changed_under_a_right_checksum_is_believed_by_modbus(seed: int) -> None:
    spec = PipeFaultSpec("bits-flipped-checksum-right")
    pipe = Pipe(ModbusDevice().answer, spec, speech=ModbusSpeech(), seed=seed)
    outcome = ask_modbus(pipe.transport, REGISTERS)
    assert isinstance(outcome, RegistersRead)
    assert outcome.values != (107, 108)
    assert ask_modbus(pipe.transport, REGISTERS) == RegistersRead((107, 108))


@pytest.mark.parametrize("seed", SEEDS)
def test_flipped_bits_do_not_pass_a_modbus_checksum(seed: int) -> None:
    pipe = Pipe(ModbusDevice().answer, PipeFaultSpec("bits-flipped"), seed=seed)
    pipe.transport.write(bytes.fromhex("010300070002"))  # cut short: no answer
    pipe.hear()
    assert not isinstance(ask_modbus(pipe.transport, REGISTERS), RegistersRead)


@pytest.mark.parametrize("seed", SEEDS)
def test_content_changed_under_right_check_sequences_reaches_the_dlms_client(seed: int) -> None:
    moment = PipeMoment(operation="get")
    spec = PipeFaultSpec("bits-flipped-checksum-right", moment)
    pipe = Pipe(DlmsDevice().answer, spec, speech=DlmsSpeech(), seed=seed)
    asker = DlmsAsker(pipe.transport)
    asker.associate()
    with suppress(RemoteProtocolError):  # what was changed may be the form of the APDU
        assert asker.get() != Completed(DoubleLongUnsigned(123_456))
    assert pipe.struck == ["bits-flipped-checksum-right"]
    assert asker.link.state is LinkState.CONNECTED


def test_a_block_of_iec_62056_21_keeps_a_right_check_character() -> None:
    block = Data(b"1.8.0(0000123.4*kWh)\r\n!\r\n").encode()
    spec = PipeFaultSpec("bits-flipped-checksum-right")
    pipe = Pipe(lambda data: block, spec, speech=DlmsSpeech(), line="300 7E1")
    got = pipe.ask(b"/?!\r\n", 10 * SECOND)
    message = block_message(got)
    assert isinstance(message, Data)
    assert message.block != b"1.8.0(0000123.4*kWh)\r\n!\r\n"


def test_the_reply_of_another_device_is_sound_and_foreign() -> None:
    spec = PipeFaultSpec("another-devices-reply")
    pipe = Pipe(ModbusDevice().answer, spec, speech=ModbusSpeech())
    outcome = ask_modbus(pipe.transport, REGISTERS)
    assert outcome == Foreign("unit: expected 1, got 2")

    spec = PipeFaultSpec("another-devices-reply", PipeMoment(operation="get"))
    pipe = Pipe(DlmsDevice().answer, spec, speech=DlmsSpeech())
    asker = DlmsAsker(pipe.transport)
    asker.associate()
    assert asker.get() is None
    assert pipe.struck == ["another-devices-reply"]


def test_noise_around_a_modbus_answer_makes_it_none() -> None:
    seen = {
        type(
            ask_modbus(
                Pipe(ModbusDevice().answer, PipeFaultSpec("noise-inserted"), seed=seed).transport,
                REGISTERS,
            )
        )
        for seed in range(30)
    }
    assert RegistersRead not in seen
    assert {Corrupt, Foreign} <= seen


def test_a_checksum_is_told_from_a_wrong_one() -> None:
    assert checksum_holds(bytes.fromhex("010304006b006c") + b"\0\0") is False


def test_unsolicited_lines_pass_a_faulty_pipe() -> None:
    pipe = Pipe(lambda data: b"RING\r\nOK\r\n", PipeFaultSpec("split-with-pauses"))
    queue = UnsolicitedQueue(pipe.transport, LineClassifier([b"RING"]))
    queue.write(b"AT\r")
    got = b""
    while data := queue.read(START + 10 * SECOND):
        got += data
    assert got.strip() == b"OK"
    message = queue.unsolicited(START + 10 * SECOND)
    assert message is not None
    assert message.message == b"RING"
