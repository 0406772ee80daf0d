"""The `console` section of a device profile: the lines of one model's service console.

The lines themselves are in the form of `drivers.codecs.console_template`. What an operation needs
is fixed here: its command's name, the parameters that are sent and the fields that come back. A
profile leaves out what its device cannot do; the driver then says `Refused` (`not-in-profile`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from bench.devices import Role
from drivers.codecs.console_dialect import ConsoleDialect
from drivers.codecs.console_template import Template

Place = tuple[str | int, ...]
"""A place in the section, from its root."""


class TimeForm(StrEnum):
    """How a console writes a moment. Both take decimals of a second."""

    RFC3339 = "rfc3339"
    UNIX_SECONDS = "unix-seconds"


@dataclass(frozen=True, slots=True)
class LineEntry:
    """`repeats`: any number of such lines, also none."""

    line: str
    repeats: bool = False


@dataclass(frozen=True, slots=True)
class CommandEntry:
    send: str
    lines: tuple[LineEntry, ...] = ()


@dataclass(frozen=True, slots=True)
class ConsoleProfile:
    """`words`: for a field, the device's word for each value of the interface.

    `nothing`: what the console writes where there is no value. `spelled`: what it writes for text
    that has no ASCII form (`m³: m3`), in units and in the lines of a display.
    """

    commands: Mapping[str, CommandEntry]
    prompt: str = ""
    line_ending: str = "\r\n"
    echo: bool = False
    done: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    unsolicited: Mapping[str, str] = field(default_factory=dict)
    times: TimeForm = TimeForm.RFC3339
    nothing: str = "-"
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    spelled: Mapping[str, str] = field(default_factory=dict)

    @property
    def dialect(self) -> ConsoleDialect:
        """ValueError: not a dialect; `complaints` says it better."""
        commands = {
            name: {
                "send": command.send,
                "lines": [{"line": at.line, "repeats": at.repeats} for at in command.lines],
            }
            for name, command in self.commands.items()
        }
        return ConsoleDialect.from_data(
            {
                "prompt": self.prompt,
                "line-ending": self.line_ending,
                "echo": self.echo,
                "commands": commands,
                "done": self.done,
                "errors": self.errors,
                "unsolicited": self.unsolicited,
            }
        )


@dataclass(frozen=True, slots=True)
class Operation:
    """What a command of this name sends and answers. `optional` fields need not be there."""

    parameters: frozenset[str] = frozenset()
    fields: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()


def _operation(parameters: str = "", fields: str = "", optional: str = "") -> Operation:
    return Operation(
        frozenset(parameters.split()), frozenset(fields.split()), frozenset(optional.split())
    )


_IDENTIFY: Final = _operation(fields="serial_number eui64 manufacturer model firmware")
_SYNC: Final = _operation("token", "token")

OPERATIONS: Final[Mapping[Role, Mapping[str, Operation]]] = {
    Role.COMMS_HUB: {
        "sync": _SYNC,
        "identify": _IDENTIFY,
        "wan-state": _operation(fields="wan wake_ups"),
        "wake": _operation(),
        "han-devices": _operation(fields="eui64 role joined last_heard"),
        "permit-join": _operation("seconds"),
        "remove-device": _operation("eui64"),
        "reboot": _operation(),
        "diagnostics": _operation(fields="power_ups uptime last_gasps"),
        "mirrored-registers": _operation(
            "eui64", "source_at register value unit", optional="eui64"
        ),
    },
    Role.IHD: {
        "sync": _SYNC,
        "identify": _IDENTIFY,
        "display-state": _operation(fields="joined_to shown"),
    },
}
"""`sync` answers the token it was sent. With it a driver knows after a time-out that every older
answer has passed; it is worth having on any console that has something like `echo`."""

WORDS: Final[Mapping[str, frozenset[str]]] = {
    "wan": frozenset({"connected", "disconnected"}),
    "joined": frozenset({"joined", "not-joined"}),
    "role": frozenset(Role),
}
"""Fields whose values are words, and the interface's words; a console that says nothing else
in `words` writes those."""


def complaints(profile: ConsoleProfile, role: Role) -> Iterator[tuple[Place, str]]:
    """Everything wrong with the section, each with its place."""
    operations = OPERATIONS.get(role)
    if operations is None:
        yield (), f"no console driver knows the role {role}"
        return
    broken = False
    for at, text in _templates(profile):
        try:
            Template.parse(text)
            text.encode("ascii")
        except ValueError as error:
            broken = True
            yield at, str(error) if text.isascii() else f"{text!r}: expected ASCII"
    if not broken:
        try:
            _ = profile.dialect
        except ValueError as error:
            yield (), str(error)
    for name, command in profile.commands.items():
        known = operations.get(name)
        if known is None:
            yield ("commands", name), f"unknown command '{name}'; known: {', '.join(operations)}"
        elif not broken:
            yield from _command_complaints(name, command, known)
    if "identify" not in profile.commands:
        yield ("commands",), "missing key 'identify'"
    yield from _word_complaints(profile)


def _templates(profile: ConsoleProfile) -> Iterator[tuple[Place, str]]:
    for name, command in profile.commands.items():
        yield ("commands", name, "send"), command.send
        for number, entry in enumerate(command.lines):
            yield ("commands", name, "lines", number, "line"), entry.line
    for section, lines in (("done", profile.done), ("errors", profile.errors)):
        for number, line in enumerate(lines):
            yield (section, number), line
    for name, line in profile.unsolicited.items():
        yield ("unsolicited", name), line


def _command_complaints(
    name: str, command: CommandEntry, known: Operation
) -> Iterator[tuple[Place, str]]:
    sent = {part.name for part in Template.parse(command.send).fields}
    if sent != known.parameters:
        wanted = ", ".join(sorted(known.parameters)) or "none"
        yield ("commands", name, "send"), f"expected the fields {wanted}"
    got = {part.name for entry in command.lines for part in Template.parse(entry.line).fields}
    for missing in sorted(known.fields - got):
        yield ("commands", name), f"no line has the field {missing}"
    for unknown in sorted(got - known.fields - known.optional):
        yield ("commands", name, "lines"), f"nothing is known of a field {unknown}"


def _word_complaints(profile: ConsoleProfile) -> Iterator[tuple[Place, str]]:
    for name, words in profile.words.items():
        known = WORDS.get(name)
        if known is None:
            yield ("words", name), f"expected one of {', '.join(WORDS)}, got '{name}'"
            continue
        for value in sorted(words.keys() - known):
            yield ("words", name, value), f"expected one of {', '.join(sorted(known))}"
        for value in sorted(known - words.keys()):
            yield ("words", name), f"no word says that {name} is {value}"
        if len(set(words.values())) != len(words):
            yield ("words", name), "one word stands for two values"
