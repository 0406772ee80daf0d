from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.codecs.at_modem import (
    LONGEST_LINE,
    UNSOLICITED,
    AtClient,
    AtCommand,
    AtEvent,
    AtServer,
    Done,
    Malformed,
    MessageArrived,
    Refused,
    RegistrationChanged,
    Ring,
    Unknown,
    Unsolicited,
)
from drivers.codecs.errors import LocalProtocolError

WIRE: list[tuple[AtCommand, bytes, tuple[int, ...], bytes]] = [
    (AtCommand.ATTENTION, b"AT\r", (), b"\r\nOK\r\n"),
    (AtCommand.ECHO_OFF, b"ATE0\r", (), b"\r\nOK\r\n"),
    (AtCommand.ECHO_ON, b"ATE1\r", (), b"\r\nOK\r\n"),
    (AtCommand.SIGNAL_QUALITY, b"AT+CSQ\r", (17, 99), b"\r\n+CSQ: 17,99\r\n\r\nOK\r\n"),
    (AtCommand.REGISTRATION, b"AT+CREG?\r", (0, 5), b"\r\n+CREG: 0,5\r\n\r\nOK\r\n"),
    (AtCommand.ATTACHED, b"AT+CGATT?\r", (1,), b"\r\n+CGATT: 1\r\n\r\nOK\r\n"),
]
NOTICES: list[tuple[Unsolicited, bytes]] = [
    (Ring(), b"\r\nRING\r\n"),
    (MessageArrived("SM", 3), b'\r\n+CMTI: "SM",3\r\n'),
    (RegistrationChanged(2), b"\r\n+CREG: 2\r\n"),
]


@pytest.mark.parametrize("echo", [True, False])
@pytest.mark.parametrize(("command", "asked", "numbers", "answered"), WIRE)
def test_both_roles_understand_each_other_octet_by_octet(
    echo: bool, command: AtCommand, asked: bytes, numbers: tuple[int, ...], answered: bytes
) -> None:
    client, server = AtClient(), AtServer(echo=echo)
    assert client.ask(command) == asked
    heard, echoed = [], b""
    for octet in asked:
        commands, back = server.receive(bytes((octet,)))
        heard += commands
        echoed += back
    assert heard == [command]
    assert echoed == (asked if echo else b"")
    assert server.answer(command, *numbers) == answered
    events = [event for octet in echoed + answered for event in client.receive(bytes((octet,)))]
    assert events == [Done(command, numbers)]
    client.ask(command)


def test_the_echo_setting_holds_from_the_next_command_on() -> None:
    server = AtServer()
    assert server.receive(b"ATE0\r") == ([AtCommand.ECHO_OFF], b"ATE0\r")
    assert server.receive(b"ATE1\r") == ([AtCommand.ECHO_ON], b"")
    assert server.receive(b"at\r") == ([AtCommand.ATTENTION], b"at\r")


@pytest.mark.parametrize(("notice", "octets"), NOTICES)
@pytest.mark.parametrize(("command", "asked", "numbers", "answered"), WIRE)
def test_an_unsolicited_line_before_within_and_after_an_answer(
    notice: Unsolicited,
    octets: bytes,
    command: AtCommand,
    asked: bytes,
    numbers: tuple[int, ...],
    answered: bytes,
) -> None:
    assert AtServer().notify(notice) == octets
    done = Done(command, numbers)
    ok = answered.index(b"\r\nOK")
    client = AtClient()
    assert client.receive(octets) == [notice]
    client.ask(command)
    assert client.receive(answered[:ok] + octets + answered[ok:]) == [notice, done]
    client.ask(command)
    assert client.receive(octets + answered + octets) == [notice, done, notice]


@pytest.mark.parametrize(
    ("said", "event"),
    [
        (b"\r\nERROR\r\n", Refused(AtCommand.REGISTRATION)),
        (b"\r\n+CME ERROR: 10\r\n", Refused(AtCommand.REGISTRATION, 10)),
        (
            b"\r\nOK\r\n",
            Malformed(AtCommand.REGISTRATION, "OK without a line +CREG: of 2 numbers"),
        ),
        (
            b"\r\n+CSQ: 1,2\r\n\r\nOK\r\n",
            Malformed(AtCommand.REGISTRATION, "OK without a line +CREG: of 2 numbers"),
        ),
        (b"x" * 9000 + b"\r\nERROR\r\n", Refused(AtCommand.REGISTRATION)),
    ],
)
def test_other_endings(said: bytes, event: AtEvent) -> None:
    client = AtClient()
    client.ask(AtCommand.REGISTRATION)
    assert client.receive(said) == [event]


def test_one_command_at_a_time_and_nothing_counts_that_nobody_asked_for() -> None:
    client = AtClient()
    assert client.receive(b"\r\nOK\r\n\r\nERROR\r\n") == []
    client.ask(AtCommand.ATTENTION)
    with pytest.raises(LocalProtocolError, match="ATTENTION is still open"):
        client.ask(AtCommand.ATTENTION)
    client.receive(b"\r\nO")
    client.abandon()
    client.ask(AtCommand.ATTENTION)
    assert client.receive(b"K\r\n") == []


@pytest.mark.parametrize("line", [b"ATD123", b"AT+CREG", b"hello", b"A", b"AT+CSQ=1", b"\xff"])
def test_a_modem_refuses_what_it_does_not_know(line: bytes) -> None:
    server = AtServer(echo=False)
    assert server.receive(line + b"\r") == ([Unknown(line.decode("latin-1"))], b"")
    assert server.refuse() == b"\r\nERROR\r\n"
    assert server.refuse(4) == b"\r\n+CME ERROR: 4\r\n"


def test_a_line_too_long_is_cut() -> None:
    ((unknown,), _) = AtServer().receive(b"AT" + b"x" * 9000 + b"\r")
    assert isinstance(unknown, Unknown)
    assert len(unknown.line) == LONGEST_LINE


@pytest.mark.parametrize(
    ("command", "numbers"),
    [(AtCommand.ATTENTION, (1,)), (AtCommand.REGISTRATION, (1,)), (AtCommand.ATTACHED, (-1,))],
)
def test_an_answer_with_other_numbers_is_the_emulators_error(
    command: AtCommand, numbers: tuple[int, ...]
) -> None:
    with pytest.raises(LocalProtocolError, match="not answered with"):
        AtServer().answer(command, *numbers)


def test_what_the_ports_classifier_goes_by() -> None:
    assert all(
        octets.strip().decode().startswith(UNSOLICITED)
        for notice, octets in NOTICES
        if not isinstance(notice, RegistrationChanged)
    )


@given(
    st.lists(
        st.binary(max_size=30)
        | st.sampled_from([octets for _, octets in NOTICES] + [b"\r\nOK\r\n"])
    ),
    st.sampled_from(AtCommand),
)
def test_any_octets_leave_both_sides_sound_and_slicing_changes_nothing(
    data: list[bytes], command: AtCommand
) -> None:
    whole, sliced = AtClient(), AtClient()
    for client in (whole, sliced):
        client.ask(command)
    stream = b"".join(data)
    one_by_one = [event for octet in stream for event in sliced.receive(bytes((octet,)))]
    assert whole.receive(stream) == one_by_one
    commands, echo = AtServer().receive(stream)
    assert len(echo) <= len(stream)
    assert len(commands) <= len(stream)
