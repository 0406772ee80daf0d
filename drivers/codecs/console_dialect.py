"""What one model's console looks like, as data: the `console` section of a device profile.

```yaml
prompt: "> "
line-ending: "\\r\\n"
echo: true
commands:
  read-clock:
    send: clock
    lines: [{line: "CLOCK {utc}"}]
  list-devices:
    send: devices
    lines: [{line: "DEV {eui64:hex} {status}", repeats: true}]
  load-key:
    send: "key {slot:int} {key:secret}"
done: [OK]
errors: ["ERR {code:int} {reason:text}"]
unsolicited: {joined: "EVENT JOIN {eui64:hex}"}
```

An answer ends at the prompt, or, without a prompt, with a line of `done` or `errors`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from drivers.codecs.console_template import Template

_ENDINGS: Final = ("\r", "\n", "\r\n")


@dataclass(frozen=True, slots=True)
class AnswerLine:
    """`repeats`: any number of such lines, also none."""

    template: Template
    repeats: bool = False


@dataclass(frozen=True, slots=True)
class ConsoleCommand:
    name: str
    send: Template
    lines: tuple[AnswerLine, ...] = ()


@dataclass(frozen=True, slots=True)
class ConsoleDialect:
    """Either a `prompt` or `done` says when an answer ends. Errors carry a field `code` if any."""

    line_ending: str
    commands: Mapping[str, ConsoleCommand]
    prompt: str = ""
    echo: bool = False
    done: tuple[Template, ...] = ()
    errors: tuple[Template, ...] = ()
    unsolicited: Mapping[str, Template] | None = None

    @classmethod
    def from_data(cls, data: Mapping[str, object]) -> ConsoleDialect:
        """From plain data. ValueError names the place (`commands.read-clock.send: …`)."""
        _only(data, "prompt line-ending echo commands done errors unsolicited", "console")
        ending = data.get("line-ending", "\r\n")
        if ending not in _ENDINGS:
            raise ValueError(f"line-ending: expected CR, LF or CR LF, got {ending!r}")
        prompt, echo = data.get("prompt", ""), data.get("echo", False)
        if not isinstance(prompt, str) or not prompt.isascii() or set(prompt) & set("\r\n"):
            raise ValueError(f"prompt: expected ASCII text without line ends, got {prompt!r}")
        if not isinstance(echo, bool):
            raise ValueError(f"echo: expected true or false, got {echo!r}")
        commands = {
            name: _command(name, value, f"commands.{name}")
            for name, value in _mapping(data.get("commands"), "commands").items()
        }
        done = _templates(data.get("done", ()), "done")
        if not prompt and not done:
            raise ValueError("expected a prompt or a done line: nothing says when an answer ends")
        unsolicited = {
            name: _template(value, f"unsolicited.{name}")
            for name, value in _mapping(data.get("unsolicited", {}), "unsolicited").items()
        }
        for name, template in unsolicited.items():
            if not template.beginning.strip():
                raise ValueError(f"unsolicited.{name}: must begin with text, to be told apart")
        return cls(
            str(ending),
            commands,
            prompt,
            echo,
            done,
            _templates(data.get("errors", ()), "errors"),
            unsolicited,
        )

    @property
    def unsolicited_beginnings(self) -> tuple[bytes, ...]:
        """For the port's classifier (`drivers.transport.unsolicited.LineClassifier`)."""
        templates = (self.unsolicited or {}).values()
        return tuple(template.beginning.encode("ascii") for template in templates)


def _command(name: str, value: object, place: str) -> ConsoleCommand:
    said = _mapping(value, place)
    _only(said, "send lines", place)
    lines: list[AnswerLine] = []
    for number, entry in enumerate(_sequence(said.get("lines", ()), f"{place}.lines")):
        where = f"{place}.lines[{number}]"
        line = _mapping(entry, where)
        _only(line, "line repeats", where)
        repeats = line.get("repeats", False)
        if not isinstance(repeats, bool):
            raise ValueError(f"{where}.repeats: expected true or false, got {repeats!r}")
        lines.append(AnswerLine(_template(line.get("line"), f"{where}.line"), repeats))
    return ConsoleCommand(name, _template(said.get("send"), f"{place}.send"), tuple(lines))


def _templates(value: object, place: str) -> tuple[Template, ...]:
    return tuple(
        _template(entry, f"{place}[{number}]")
        for number, entry in enumerate(_sequence(value, place))
    )


def _template(value: object, place: str) -> Template:
    if not isinstance(value, str) or not value.isascii():
        raise ValueError(f"{place}: expected a line of ASCII text")
    try:
        return Template.parse(value)
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from None


def _mapping(value: object, place: str) -> Mapping[str, object]:
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise ValueError(f"{place}: expected names and values")
    return value


def _sequence(value: object, place: str) -> Sequence[object]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise ValueError(f"{place}: expected a list")
    return value


def _only(data: Mapping[str, object], names: str, place: str) -> None:
    for name in data:
        if name not in names.split():
            raise ValueError(f"{place}: unknown {name!r}, expected {', '.join(names.split())}")
