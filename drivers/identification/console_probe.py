"""Whether a line console answers, and which shipped dialect it speaks.

First only a line end, which a console with a prompt answers with it. A dialect's `identify` is then
said to a console with that dialect's prompt, or to one that has said nothing yet; no other command
is ever said.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from bench.shipped import names
from drivers.codecs.console import Answer, ConsoleClient, Failure, Notice, Unexpected
from drivers.codecs.errors import LocalProtocolError
from drivers.identification.asking import Question
from drivers.identification.findings import ConsoleFound
from drivers.profiles.profile import Profile, read_profile

_LINE_END: Final = b"\r\n"
_BLANKS: Final = b"\r\n\t \0"
_TEXT_AT_LEAST: Final = 0.9
_PROMPT_AT_MOST: Final = 32
_HEARD_AT_MOST: Final = 512


def probe(question: Question) -> ConsoleFound | None:
    """None: nothing came, or no text."""
    line = question.transport.line
    question.ask(_LINE_END, _whole)
    if question.heard.strip(_BLANKS) and _text(bytes(question.heard)) is None:
        return None
    text = _text(bytes(question.heard))
    for name, profile in _dialects():
        assert profile.console is not None, "chosen for it"
        if text is not None and profile.console.prompt != _prompt(text):
            continue
        identity = _identify(question, profile)
        said = _text(bytes(question.heard))
        if identity is not None:
            return ConsoleFound(line, profile.console.prompt, said or "", name, identity)
        text = text or said
    return None if text is None else ConsoleFound(line, _prompt(text), text)


def _whole(data: bytes) -> None:
    """Nothing says where a foreign console's answer ends but the silence after it."""


def _text(heard: bytes) -> str | None:
    """Text of two visible characters at least; an echo of the line end alone is none."""
    plain = sum(0x20 <= octet < 0x7F or octet in b"\t\r\n" for octet in heard)
    visible = sum(0x20 < octet < 0x7F for octet in heard)
    if visible < 2 or plain < _TEXT_AT_LEAST * len(heard):
        return None
    return heard[:_HEARD_AT_MOST].decode("ascii", "replace")


def _prompt(text: str) -> str:
    """What stands on the last line, which no line end follows."""
    last = text.replace("\r", "\n").rpartition("\n")[2]
    return last if len(last) <= _PROMPT_AT_MOST else ""


def _dialects() -> Iterator[tuple[str, Profile]]:
    for name in names("devices"):
        profile = read_profile(name)
        if profile.console is not None:
            yield name, profile


def _identify(question: Question, profile: Profile) -> dict[str, str] | None:
    assert profile.console is not None, "the caller looked"
    client = ConsoleClient(profile.console.dialect)
    try:
        asked = client.ask("identify")
    except LocalProtocolError:  # it sends parameters, which nobody here could know
        return None

    def decide(data: bytes) -> Answer | Failure | Unexpected | None:
        found = (event for event in client.receive(data) if not isinstance(event, Notice))
        return next(found, None)

    answer = question.ask(asked.octets, decide)
    return dict(answer.fields) if isinstance(answer, Answer) else None
