from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.clock import VirtualClock
from bench.units import HOUR, SECOND
from drivers.transport.line import LineSettings
from drivers.transport.memory import MemoryPort
from drivers.transport.unsolicited import LineClassifier, Unsolicited, UnsolicitedQueue

START = 1_617_874_200 * SECOND
STARTS = (b"RING", b"+CMTI:")

CASES = [
    (b"OK\r\n", b"OK\r\n", ()),
    (b"RING\r\n", b"", (b"RING",)),
    (b"\r\nRING\r\nOK\r\n", b"\r\nOK\r\n", (b"RING",)),
    (b'+CMTI: "SM",3\rOK\r', b"OK\r", (b'+CMTI: "SM",3',)),
    (b"RINSE\r\n> ", b"RINSE\r\n> ", ()),
    (b"say RING\r\n", b"say RING\r\n", ()),
    (b"RI\r\nRING\r", b"RI\r\n", (b"RING",)),
]


def classify(pieces: list[bytes]) -> tuple[bytes, tuple[bytes, ...]]:
    classifier = LineClassifier(STARTS)
    answers, messages = b"", ()
    for piece in pieces:
        answer, whole = classifier.split(piece)
        answers, messages = answers + answer, messages + whole
    return answers, messages


@pytest.mark.parametrize(("stream", "answers", "messages"), CASES)
def test_messages_are_told_from_answers_however_the_stream_is_cut(
    stream: bytes, answers: bytes, messages: tuple[bytes, ...]
) -> None:
    assert classify([stream]) == (answers, messages)
    assert classify([bytes((octet,)) for octet in stream]) == (answers, messages)


@given(st.lists(st.binary(max_size=30) | st.sampled_from((b"RING", b"\r", b"+CM", b"TI:"))))
def test_no_octet_is_lost_and_what_is_held_is_bounded(pieces: list[bytes]) -> None:
    classifier = LineClassifier(STARTS, longest=16)
    out = count = 0
    for piece in pieces:
        answer, messages = classifier.split(piece)
        assert all(message.startswith(STARTS) for message in messages)
        out += len(answer) + sum(len(message) + 1 for message in messages)
        count += len(messages)
    held = classifier.give_up()
    assert len(held) <= 16
    line_feeds = sum(map(len, pieces)) - out - len(held)
    assert 0 <= line_feeds <= count, "the rest of a line end of CR and LF"


def station() -> tuple[VirtualClock, MemoryPort, UnsolicitedQueue]:
    clock = VirtualClock(START)
    port = MemoryPort("hub", clock, paced=False)
    queue = UnsolicitedQueue(port.connect(LineSettings()), LineClassifier(STARTS))
    return clock, port, queue


def test_a_message_in_the_middle_of_an_answer_waits_in_its_queue_with_its_stamp() -> None:
    clock, port, queue = station()
    for after, data in ((1, b"+CSQ: 17"), (2, b"\r\nRIN"), (3, b"G\r\n"), (4, b"OK\r\n")):
        clock.call_at(START + after * SECOND, lambda data=data: port.send(data))
    got = b""
    while data := queue.read(START + HOUR):
        got += data
    assert got == b"+CSQ: 17\r\nOK\r\n"
    assert queue.unsolicited(START) == Unsolicited(START + 3 * SECOND, b"RING")
    assert queue.unsolicited(clock.now() + SECOND) is None


def test_discarding_input_keeps_the_messages_and_waiting_for_one_keeps_the_answers() -> None:
    clock, port, queue = station()
    port.send(b"old answer\r\nRING\r\n")
    clock.sleep_until(START + SECOND)
    queue.discard_input()
    assert queue.unsolicited(START) == Unsolicited(START, b"RING")
    port.send(b"answer\r\nRING\r")
    assert queue.unsolicited(START + HOUR) is not None
    assert queue.read(START) == b"answer\r\n"


def test_a_start_that_never_ends_is_an_answer_after_all() -> None:
    _, port, queue = station()
    port.send(b"RI")
    assert queue.read(START + SECOND) == b"RI"
    port.send(b"NG\r")
    assert queue.read(START + 2 * SECOND) == b"NG\r"
    port.send(b"RI")
    assert queue.read(START + 3 * SECOND) == b"RI"
    port.send(b"RING\r")  # the line is RIRING
    assert queue.read(START + 4 * SECOND) == b"RING\r"
    assert queue.unsolicited(START) is None


def test_a_message_too_long_is_an_answer() -> None:
    classifier = LineClassifier(STARTS, longest=16)
    line = b"RING" + b"x" * 30 + b"\r"
    assert classifier.split(line) == (line, ())


def test_the_oldest_message_gives_way_and_is_counted() -> None:
    _, port, queue = station()
    for number in range(1002):
        port.send(b"RING %d\r" % number)
    assert queue.read(START + SECOND) == b""
    assert queue.missed == 2
    first = queue.unsolicited(START)
    assert first is not None
    assert first.message == b"RING 2"


def test_a_classifier_needs_something_to_go_by() -> None:
    with pytest.raises(ValueError, match="start"):
        LineClassifier([b""])


@pytest.mark.parametrize("cut", [1, 2, 3, 7, 100])
def test_a_message_right_behind_the_prompt_is_one(cut: int) -> None:
    classifier = LineClassifier([b"EVENT"], prompt=b"hub> ")
    said = b"WAN UP\r\nhub> EVENT SMS 1\r\nhub! EVENT no\r\nhub> EVEN\r\nhub> hub> EVENT SMS 2\r\n"
    answer, messages = b"", []
    for start in range(0, len(said), cut):
        piece, whole = classifier.split(said[start : start + cut])
        answer += piece
        messages += whole
    assert messages == [b"EVENT SMS 1", b"EVENT SMS 2"]
    assert answer == b"WAN UP\r\nhub> hub! EVENT no\r\nhub> EVEN\r\nhub> hub> "
