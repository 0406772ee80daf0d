"""A line console for the pipe faults, in the dialect of the device's profile."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from drivers.codecs.console import ConsoleServer, Heard
from drivers.codecs.console_dialect import ConsoleDialect
from drivers.codecs.console_template import Template
from drivers.pipe_faults.speech import OTHER, Exchanged, Refusing, WireProtocol, different

_BY_KIND: Final = {"int": "1", "decimal": "1", "hex": "01", "secret": "01"}
_NOBODY_SAYS: Final = "%% 7#?"


class ConsoleSpeech:
    """A `Speech`. Consoles have no checksums and no addresses, so faults of these make no sense."""

    protocol: Final = WireProtocol.CONSOLE

    def __init__(self, dialect: ConsoleDialect) -> None:
        self._dialect = dialect

    @property
    def operations(self) -> frozenset[str]:
        return frozenset((*self._dialect.commands, OTHER))

    def operation(self, request: bytes) -> str:
        """The command's name in the profile."""
        heard, _ = ConsoleServer(self._dialect).receive(request)
        commands = [each.command for each in heard if isinstance(each, Heard)]
        return commands[0] if commands else OTHER

    def withheld(self, request: bytes) -> bytes:
        return b""

    def refusal(self, request: bytes, answer: bytes, how: Refusing, code: str) -> bytes | None:
        """None where the dialect has no error line."""
        if not self._dialect.errors:
            return None
        template = self._dialect.errors[0]
        values = {field.name: _BY_KIND.get(field.kind, str(how)) for field in template.fields}
        if code and "code" in values:
            values["code"] = code
        return self._answered(request, [template.render(values).line], done=False)

    def refusal_problem(self, code: str) -> str | None:
        if not self._dialect.errors:
            return "the console's dialect has no error line"
        return _misfit(self._dialect.errors[0], code) if code else None

    def unknown(self, request: bytes, answer: bytes) -> bytes | None:
        return self._answered(request, [_NOBODY_SAYS], done=True)

    def to_another(
        self, request: bytes, answer: bytes, earlier: Sequence[Exchanged]
    ) -> bytes | None:
        other = different(request, answer, earlier)
        return None if other is None else other.answer

    def _answered(self, request: bytes, lines: list[str], *, done: bool) -> bytes:
        said = list(lines)
        if done and self._dialect.done:
            template = self._dialect.done[0]
            fields = {field.name: _BY_KIND.get(field.kind, "done") for field in template.fields}
            said.append(template.render(fields).line)
        _, echo = ConsoleServer(self._dialect).receive(request)
        text = "".join(line + self._dialect.line_ending for line in said) + self._dialect.prompt
        return echo + text.encode("ascii")


def _misfit(template: Template, code: str) -> str | None:
    for field in template.fields:
        if field.name == "code":
            try:
                Template.parse(f"{{code:{field.kind}}}").render({"code": code})
            except ValueError:
                return f"code: the dialect's error line takes kind {field.kind}, got {code!r}"
            return None
    return "code: the dialect's error line has no such field"
