"""A line console, both roles, in the dialect that `console_dialect` describes.

The client asks one thing at a time and gets one `Answer`, `Failure` or `Unexpected` for it; lines
nobody asked for come as `Notice` in between. The server hears `Heard` or `NotUnderstood`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from drivers.codecs.console_dialect import ConsoleCommand, ConsoleDialect
from drivers.codecs.console_template import Rendered, Template
from drivers.codecs.errors import LocalProtocolError

LONGEST_LINE: Final = 4_096
_MOST_LINES: Final = 2_000


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What to write, and where key material is in it: (start, end, field)."""

    octets: bytes
    secrets: tuple[tuple[int, int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """The fields of each line that belongs to the answer, by its place in the profile's `lines`.

    `lines` holds (place, fields) in the order they came.
    """

    command: str
    lines: tuple[tuple[int, Mapping[str, str]], ...]

    @property
    def fields(self) -> Mapping[str, str]:
        """All fields in one; where lines repeat, the last one's."""
        return {name: value for _, fields in self.lines for name, value in fields.items()}


@dataclass(frozen=True, slots=True)
class Failure:
    """The device says no, by one of the dialect's error lines."""

    command: str
    fields: Mapping[str, str]

    @property
    def code(self) -> str:
        return self.fields.get("code", "")


@dataclass(frozen=True, slots=True)
class Unexpected:
    """The answer ended and is not what the profile says: lines missing, or others."""

    command: str
    detail: str


@dataclass(frozen=True, slots=True)
class Notice:
    """A line nobody asked for."""

    name: str
    fields: Mapping[str, str]


ClientEvent = Answer | Failure | Unexpected | Notice


@dataclass(frozen=True, slots=True)
class Heard:
    """A command with its parameters."""

    command: str
    parameters: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class NotUnderstood:
    line: str


class _Lines:
    """Cuts a stream into lines at CR, LF or both; bounded, any octets."""

    def __init__(self) -> None:
        self.partial = ""
        self.overlong = False

    def feed(self, octet: int) -> str | None:
        if octet in (0x0A, 0x0D):
            line, self.partial, self.overlong = self.partial, "", False
            return line
        if len(self.partial) < LONGEST_LINE:
            self.partial += chr(octet)
        else:
            self.overlong = True
        return None


class ConsoleClient:
    """The bench's side."""

    def __init__(self, dialect: ConsoleDialect) -> None:
        self._dialect = dialect
        self._lines = _Lines()
        self._asked: ConsoleCommand | None = None
        self._echo = ""
        self._collected: list[str] = []

    def ask(self, command: str, **parameters: str) -> Outgoing:
        """What to write. `LocalProtocolError`: unknown, badly filled, or one is still open."""
        if self._asked is not None:
            raise LocalProtocolError(f"console: {self._asked.name} is still open; abandon it first")
        known = self._dialect.commands.get(command)
        if known is None:
            raise LocalProtocolError(f"console: the dialect has no command {command}")
        rendered = _rendered(known.send, parameters)
        self._asked = known
        self._echo = rendered.line if self._dialect.echo else ""
        self._collected = []
        self._lines = _Lines()
        return Outgoing(
            (rendered.line + self._dialect.line_ending).encode("ascii"), rendered.secrets
        )

    def abandon(self) -> None:
        """The answer did not come in time. Keep the line quiet before asking again."""
        self._asked = None
        self._collected = []
        self._lines = _Lines()

    @property
    def partial(self) -> bool:
        """True if something of an answer has come: what is missing is cut off, not silence."""
        return bool(self._collected or self._lines.partial)

    def receive(self, data: bytes) -> list[ClientEvent]:
        """What became known. Any octets are safe; memory is bounded."""
        events: list[ClientEvent] = []
        for octet in data:
            line = self._lines.feed(octet)
            if line is not None:
                self._line(line, events)
            elif self._dialect.prompt and self._lines.partial == self._dialect.prompt:
                self._lines.partial = ""
                self._prompted(events)
        return events

    def _line(self, line: str, events: list[ClientEvent]) -> None:
        for name, template in (self._dialect.unsolicited or {}).items():
            fields = template.match(line)
            if fields is not None:
                events.append(Notice(name, fields))
                return
        asked = self._asked
        if asked is None or not line:
            return
        if self._echo and line == self._echo:
            self._echo = ""
            return
        if len(self._collected) < _MOST_LINES:
            self._collected.append(line)
        if not self._dialect.prompt and (
            _first_match(self._dialect.done, line) is not None
            or _first_match(self._dialect.errors, line) is not None
        ):
            self._ended(asked, events)

    def _prompted(self, events: list[ClientEvent]) -> None:
        # A prompt before the echo, or before anything where lines are due, is an older one.
        asked = self._asked
        if asked is None:
            return
        if self._collected or not (self._echo or self._due(asked)):
            self._ended(asked, events)

    def _due(self, asked: ConsoleCommand) -> bool:
        return bool(self._dialect.done) or any(not line.repeats for line in asked.lines)

    def _ended(self, asked: ConsoleCommand, events: list[ClientEvent]) -> None:
        collected, self._collected, self._asked = self._collected, [], None
        events.append(self._understood(asked, collected))

    def _understood(self, asked: ConsoleCommand, collected: list[str]) -> ClientEvent:
        if self._echo:
            return Unexpected(asked.name, "lines without the command's echo: a late answer?")
        lines: list[tuple[int, Mapping[str, str]]] = []
        done = not self._dialect.done
        place = 0
        for line in collected:
            failure = _first_match(self._dialect.errors, line)
            if failure is not None:
                return Failure(asked.name, failure)
            if _first_match(self._dialect.done, line) is not None:
                done = True
                continue
            found = self._placed(asked, place, line)
            if found is None:
                return Unexpected(asked.name, f"line not in the profile: {line[:80]!r}")
            place = found[0] + (not asked.lines[found[0]].repeats)
            lines.append(found)
        missing = [line for line in asked.lines[place:] if not line.repeats]
        if missing:
            return Unexpected(asked.name, f"no line {missing[0].template.source!r}")
        if not done:
            return Unexpected(asked.name, f"no line {self._dialect.done[0].source!r}")
        return Answer(asked.name, tuple(lines))

    def _placed(
        self, asked: ConsoleCommand, place: int, line: str
    ) -> tuple[int, Mapping[str, str]] | None:
        for number in range(place, len(asked.lines)):
            fields = asked.lines[number].template.match(line)
            if fields is not None:
                return number, fields
            if not asked.lines[number].repeats:
                return None
        return None


class ConsoleServer:
    """The device's side. `receive` also says what to echo; the emulator writes it first."""

    def __init__(self, dialect: ConsoleDialect) -> None:
        self._dialect = dialect
        self._lines = _Lines()

    def receive(self, data: bytes) -> tuple[list[Heard | NotUnderstood], bytes]:
        """The commands that became whole, and the echo. Any octets are safe."""
        heard: list[Heard | NotUnderstood] = []
        echo = bytearray()
        for octet in data:
            overlong = self._lines.overlong
            line = self._lines.feed(octet)
            if line is None:
                echo.append(octet)
            elif line:
                echo += self._dialect.line_ending.encode("ascii")
                heard.append(NotUnderstood(line) if overlong else self._heard(line))
        return heard, bytes(echo) if self._dialect.echo else b""

    def answer(self, command: str, lines: Sequence[tuple[int, Mapping[str, str]]] = ()) -> bytes:
        """(place in the profile's `lines`, fields) for each line, then done and prompt."""
        known = self._dialect.commands[command]
        said = [_rendered(known.lines[place].template, fields).line for place, fields in lines]
        if self._dialect.done:
            said.append(_rendered(self._dialect.done[0], {}).line)
        return self._said(said) + self._prompt()

    def fail(self, number: int, **fields: str) -> bytes:
        """Error line `number` of the dialect."""
        return self._said([_rendered(self._dialect.errors[number], fields).line]) + self._prompt()

    def notice(self, name: str, **fields: str) -> bytes:
        template = (self._dialect.unsolicited or {}).get(name)
        if template is None:
            raise LocalProtocolError(f"console: the dialect has no unsolicited line {name}")
        return self._said([_rendered(template, fields).line])

    def _heard(self, line: str) -> Heard | NotUnderstood:
        for name, command in self._dialect.commands.items():
            parameters = command.send.match(line)
            if parameters is not None:
                return Heard(name, parameters)
        return NotUnderstood(line)

    def _said(self, lines: Sequence[str]) -> bytes:
        return "".join(line + self._dialect.line_ending for line in lines).encode("ascii")

    def _prompt(self) -> bytes:
        return self._dialect.prompt.encode("ascii")


def _rendered(template: Template, values: Mapping[str, str]) -> Rendered:
    try:
        return template.render(values)
    except ValueError as error:
        raise LocalProtocolError(f"console: {error}") from None


def _first_match(templates: Sequence[Template], line: str) -> dict[str, str] | None:
    for template in templates:
        fields = template.match(line)
        if fields is not None:
            return fields
    return None
