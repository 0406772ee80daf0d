from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.codecs.console import (
    Answer,
    ClientEvent,
    ConsoleClient,
    ConsoleServer,
    Failure,
    Heard,
    Notice,
    NotUnderstood,
    Unexpected,
)
from drivers.codecs.console_dialect import ConsoleDialect
from drivers.codecs.console_template import Template
from drivers.codecs.errors import LocalProtocolError

COMMANDS: dict[str, Any] = {
    "read-clock": {"send": "clock", "lines": [{"line": "CLOCK {utc}"}]},
    "list-devices": {
        "send": "devices",
        "lines": [
            {"line": "DEV {eui64:hex} {status}", "repeats": True},
            {"line": "TOTAL {count:int}"},
        ],
    },
    "load-key": {"send": "key {slot:int} {key:secret}"},
    "say": {"send": "say {words:text}"},
}
COMMON: dict[str, Any] = {
    "commands": COMMANDS,
    "errors": ["ERR {code:int} {reason:text}", "BUSY"],
    "unsolicited": {"joined": "EVENT JOIN {eui64:hex}"},
}
PROMPTED = ConsoleDialect.from_data({**COMMON, "prompt": "> ", "echo": True})
PLAIN = ConsoleDialect.from_data({**COMMON, "done": ["OK"], "line-ending": "\n"})
BOTH = ConsoleDialect.from_data({**COMMON, "done": ["OK"], "prompt": "#", "line-ending": "\r"})
DIALECTS = [PROMPTED, PLAIN, BOTH]
EUI = "00158d00012ab34f"

CONVERSATIONS: list[tuple[str, dict[str, str], list[tuple[int, dict[str, str]]]]] = [
    ("read-clock", {}, [(0, {"utc": "2021-04-08T09:30:00Z"})]),
    ("list-devices", {}, [(1, {"count": "0"})]),
    (
        "list-devices",
        {},
        [
            (0, {"eui64": EUI, "status": "up"}),
            (0, {"eui64": EUI, "status": "down"}),
            (1, {"count": "2"}),
        ],
    ),
    ("load-key", {"slot": "2", "key": "8f1d03c4a5b697e8"}, []),
    ("say", {"words": "hello there"}, []),
]


def run(
    client: ConsoleClient, server: ConsoleServer, octets: bytes, reply: bytes
) -> list[ClientEvent]:
    heard, echo = [], b""
    for octet in octets:
        commands, echoed = server.receive(bytes((octet,)))
        heard += commands
        echo += echoed
    assert len(heard) == 1
    return [event for octet in echo + reply for event in client.receive(bytes((octet,)))]


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(("command", "parameters", "lines"), CONVERSATIONS)
def test_both_roles_understand_each_other_octet_by_octet(
    dialect: ConsoleDialect,
    command: str,
    parameters: dict[str, str],
    lines: list[tuple[int, dict[str, str]]],
) -> None:
    client, server = ConsoleClient(dialect), ConsoleServer(dialect)
    for _ in range(2):
        out = client.ask(command, **parameters)
        assert ConsoleServer(dialect).receive(out.octets)[0] == [Heard(command, parameters)]
        reply = server.answer(command, lines)
        assert run(client, server, out.octets, reply) == [Answer(command, tuple(lines))]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_failure_carries_its_code_and_an_event_in_between_is_a_notice(
    dialect: ConsoleDialect,
) -> None:
    client, server = ConsoleClient(dialect), ConsoleServer(dialect)
    out = client.ask("read-clock")
    reply = server.notice("joined", eui64=EUI) + server.fail(0, code="17", reason="not ready")
    notice, failure = run(client, server, out.octets, reply)
    assert notice == Notice("joined", {"eui64": EUI})
    assert failure == Failure("read-clock", {"code": "17", "reason": "not ready"})
    assert isinstance(failure, Failure)
    assert failure.code == "17"
    out = client.ask("read-clock")
    (failure,) = run(client, server, out.octets, server.fail(1))
    assert failure == Failure("read-clock", {})


def test_key_material_is_marked_in_what_is_sent() -> None:
    out = ConsoleClient(PROMPTED).ask("load-key", slot="2", key="8f1d03c4")
    assert out.octets == b"key 2 8f1d03c4\r\n"
    assert out.secrets == ((6, 14, "key"),)
    ((start, end, _),) = out.secrets
    assert out.octets[start:end] == b"8f1d03c4"


@pytest.mark.parametrize(
    ("dialect", "said", "says"),
    [
        (PLAIN, b"CLOCK a\nCLOCK b\nOK\n", "line not in the profile: 'CLOCK b'"),
        (PLAIN, b"OK\n", "no line 'CLOCK {utc}'"),
        (PLAIN, b"CLOCK a b\nOK\n", "line not in the profile"),
        (BOTH, b"CLOCK a\r#", "no line 'OK'"),
        (PROMPTED, b"CLOCK a\r\n> ", "without the command's echo"),
        (PROMPTED, b"cl\x00ck\r\nCLOCK a\r\n> ", "without the command's echo"),
        (PLAIN, b"x" * 9000 + b"\nOK\n", "line not in the profile"),
    ],
)
def test_an_answer_that_is_not_in_the_profile_is_unexpected(
    dialect: ConsoleDialect, said: bytes, says: str
) -> None:
    client = ConsoleClient(dialect)
    client.ask("read-clock")
    (event,) = client.receive(said)
    assert isinstance(event, Unexpected)
    assert says in event.detail


def test_a_late_answer_and_its_prompt_are_not_the_answer() -> None:
    client = ConsoleClient(PROMPTED)
    client.ask("read-clock")
    assert not client.partial
    client.receive(b"clock\r\nCLOC")
    assert client.partial
    client.abandon()
    assert not client.partial
    client.ask("list-devices")
    assert isinstance(client.receive(b"K 1\r\n> ")[0], Unexpected)


def test_an_older_prompt_is_passed_over() -> None:
    client = ConsoleClient(PROMPTED)
    client.ask("read-clock")
    assert client.receive(b"> clock\r\n> CLOCK 1\r\n> ") == [
        Answer("read-clock", ((0, {"utc": "1"}),))
    ]


def test_all_fields_in_one() -> None:
    answer = Answer("x", ((0, {"a": "1"}), (1, {"b": "2"})))
    assert answer.fields == {"a": "1", "b": "2"}


@pytest.mark.parametrize(
    ("command", "parameters", "says"),
    [
        ("reboot", {}, "no command reboot"),
        ("load-key", {"slot": "2"}, "field key is missing"),
        ("load-key", {"slot": "x", "key": "00"}, "field slot is not of kind int"),
        ("load-key", {"slot": "1", "key": "0g"}, "field key is not of kind secret"),
        ("load-key", {"slot": "1", "key": "00", "more": "1"}, "no field more"),
        ("say", {"words": "a\r\nkey 1 00"}, "field words is not of kind text"),
    ],
)
def test_a_command_that_does_not_fit_is_the_callers_error(
    command: str, parameters: dict[str, str], says: str
) -> None:
    client = ConsoleClient(PLAIN)
    with pytest.raises(LocalProtocolError, match=says) as caught:
        client.ask(command, **parameters)
    assert "0g" not in str(caught.value)
    client.ask("read-clock")
    with pytest.raises(LocalProtocolError, match="still open"):
        client.ask("read-clock")


def test_a_server_does_not_understand_everything() -> None:
    server = ConsoleServer(PLAIN)
    assert server.receive(b"\r\nfly\nkey 1 zz\n")[0] == [
        NotUnderstood("fly"),
        NotUnderstood("key 1 zz"),
    ]
    (event,), _ = server.receive(b"say " + b"x" * 9000 + b"\n")
    assert isinstance(event, NotUnderstood)
    with pytest.raises(LocalProtocolError, match="no unsolicited line"):
        server.notice("left")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"prompt": ""}, "nothing says when an answer ends"),
        ({"prompt": "a\n"}, "prompt: expected"),
        ({"prompt": 1}, "prompt: expected"),
        ({"echo": "yes"}, "echo: expected true or false"),
        ({"line-ending": "x"}, "line-ending: expected"),
        ({"speed": 1}, "unknown 'speed'"),
        ({"commands": []}, "commands: expected names"),
        ({"commands": {"a": {}}}, "commands.a.send: expected a line"),
        ({"commands": {"a": {"send": "x", "reply": 1}}}, "commands.a: unknown 'reply'"),
        ({"commands": {"a": {"send": "x", "lines": "y"}}}, r"commands.a.lines: expected a list"),
        ({"commands": {"a": {"send": "x", "lines": [{"line": "{"}]}}}, r"lines\[0\].line: .*brace"),
        (
            {"commands": {"a": {"send": "x", "lines": [{"line": "y", "repeats": 1}]}}},
            "repeats: expected",
        ),
        ({"errors": ["{a}{b}"]}, r"errors\[0\]: .*nothing parts field b"),
        ({"errors": ["{a:float}"]}, "expected one of word"),
        ({"errors": ["{a:text} x"]}, "put it last"),
        ({"errors": ["{a:text} {b}"]}, "put it last"),
        ({"errors": ["{a} {a}"]}, "there twice"),
        ({"errors": ["a\nb"]}, "expected one line"),
        ({"errors": ["{a:hex}ff"]}, "could belong to it"),
        ({"unsolicited": {"any": "{what:text}"}}, "must begin with text"),
    ],
)
def test_a_dialect_says_where_it_is_wrong(change: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        ConsoleDialect.from_data({**COMMON, "prompt": "> ", **change})


def test_a_command_cut_for_its_length_is_not_carried_out() -> None:
    dialect = ConsoleDialect.from_data(
        {"done": ["OK"], "commands": {"many": {"send": "{a} {b} {c} {d} {e}"}}}
    )
    words = " ".join(letter * 1000 for letter in "abcde")
    assert ConsoleServer(dialect).receive(words[:4000].encode() + b"\n")[0] != []
    (event,), _ = ConsoleServer(dialect).receive(words.encode() + b"\n")
    assert isinstance(event, NotUnderstood)


def test_what_the_ports_classifier_goes_by() -> None:
    assert PLAIN.unsolicited_beginnings == (b"EVENT JOIN ",)


@pytest.mark.parametrize(
    ("template", "line", "fields"),
    [
        ("{a}.{b}", "x.y", {"a": "x", "b": "y"}),
        ("{a}.{b}", "x.y.z", {"a": "x", "b": "y.z"}),
        ("{{{a}}}", "{x}", {"a": "x"}),
        ("T={t:decimal}C", "T=-12.50C", {"t": "-12.50"}),
        ("{k:hex}", "abc", None),
        ("a b", "a  b", None),
        ("n {t:text}", "n ", {"t": ""}),
    ],
)
def test_templates(template: str, line: str, fields: dict[str, str] | None) -> None:
    assert Template.parse(template).match(line) == fields


def test_no_line_makes_matching_slow() -> None:
    template = Template.parse("{a}.{b}.{c}.{d}.{e}.{f}!{g:hex} {h:decimal}")
    started = time.process_time()
    assert template.match("x." * 2000) is None
    assert template.match("0" * 4000 + "!") is None
    assert time.process_time() - started < 1


@given(
    st.lists(
        st.binary(max_size=40) | st.sampled_from((b"> ", b"OK\n", b"CLOCK 1\r\n", b"key 1 00\n"))
    )
)
def test_any_octets_leave_both_sides_sound_and_slicing_changes_nothing(data: list[bytes]) -> None:
    for dialect in DIALECTS:
        whole, sliced = ConsoleClient(dialect), ConsoleClient(dialect)
        for client in (whole, sliced):
            client.ask("read-clock")
        stream = b"".join(data)
        one_by_one = [event for octet in stream for event in sliced.receive(bytes((octet,)))]
        assert whole.receive(stream) == one_by_one
        ConsoleServer(dialect).receive(stream)


@given(st.text(max_size=30))
def test_any_text_is_a_template_or_refused(source: str) -> None:
    try:
        template = Template.parse(source)
    except ValueError:
        return
    if not template.fields:
        line = template.render({}).line
        assert template.match(line) == {}
