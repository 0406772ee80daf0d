"""One line of a console as data: text with named fields, which renders and parses.

`SUPPLY {state} {balance:decimal}` has the fields `state` and `balance`. The kinds are fixed, so a
profile cannot bring a pattern that never ends; matching is linear in the line's length:

=========  ===========================================================
kind       matches
=========  ===========================================================
`word`     up to a blank or to the character that follows the field (the kind where
           none is written)
`int`      digits, with a sign or without
`decimal`  digits, with a sign and a decimal point or without
`hex`      hexadecimal digits in pairs
`secret`   as `hex`, and never to be stored: key material
`text`     the rest of the line; only as the last field
=========  ===========================================================

A brace is written twice (`{{`). Blanks in the text match exactly. Text directly behind a
field must not begin with a character that the field could take.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

LONGEST_VALUE: Final = 1_024
# Possessive: a field never gives back what it took, so no line makes the match slow.
_KINDS: Final = {
    "word": rf"[^\s@]{{1,{LONGEST_VALUE}}}+",
    "int": r"[+-]?[0-9]{1,20}+",
    "decimal": r"[+-]?[0-9]{1,20}+(?:\.[0-9]{1,20}+)?+",
    "hex": rf"(?:[0-9A-Fa-f]{{2}}){{1,{LONGEST_VALUE // 2}}}+",
    "secret": rf"(?:[0-9A-Fa-f]{{2}}){{1,{LONGEST_VALUE // 2}}}+",
    "text": rf"[^\r\n]{{0,{LONGEST_VALUE}}}+",
}
_DIGITS: Final = "0123456789"
_BELONGS: Final = {
    "int": _DIGITS,
    "decimal": _DIGITS + ".",
    "hex": _DIGITS + "abcdefABCDEF",
    "secret": _DIGITS + "abcdefABCDEF",
}
_PART: Final = re.compile(r"\{\{|\}\}|\{([a-z][a-z0-9_]{0,31})(?::([a-z]+))?\}|[{}]")


@dataclass(frozen=True, slots=True)
class Field:
    """`follows`: the character behind it, or nothing."""

    name: str
    kind: str
    follows: str = ""

    @property
    def pattern(self) -> str:
        return _KINDS[self.kind].replace("@", re.escape(self.follows))


@dataclass(frozen=True, slots=True)
class Rendered:
    """A line's characters and where in it key material is: (start, end, field)."""

    line: str
    secrets: tuple[tuple[int, int, str], ...]


@dataclass(frozen=True, slots=True)
class Template:
    """Text and fields in turn. Two fields never touch: something must part them."""

    source: str
    parts: tuple[str | Field, ...]
    pattern: re.Pattern[str]

    @classmethod
    def parse(cls, source: str) -> Template:
        """ValueError says what is wrong, for the profile's author."""
        parts: list[str | Field] = []
        text, place = "", 0
        for match in _PART.finditer(source):
            text += source[place : match.start()]
            place = match.end()
            if match[0] in ("{{", "}}"):
                text += match[0][0]
            elif match[1] is None:
                raise ValueError(f"{source!r}: a single brace; write {{{{ for the character")
            else:
                parts += [text, _field(source, match[1], match[2] or "word", parts, bool(text))]
                text = ""
        parts.append(text + source[place:])
        if not source or re.search(r"[\r\n]", source):
            raise ValueError(f"{source!r}: expected one line that is not empty")
        fields = [part for part in parts if isinstance(part, Field)]
        if any(field.kind == "text" for field in fields) and (
            fields[-1].kind != "text" or parts[-1] or [f.kind for f in fields].count("text") > 1
        ):
            raise ValueError(f"{source!r}: a text field takes the rest of the line: put it last")
        settled = tuple(_settled(source, part, parts[n + 1 :]) for n, part in enumerate(parts))
        pattern = "".join(
            f"(?P<{part.name}>{part.pattern})" if isinstance(part, Field) else re.escape(part)
            for part in settled
        )
        return cls(source, tuple(part for part in settled if part), re.compile(pattern, re.ASCII))

    @property
    def fields(self) -> tuple[Field, ...]:
        return tuple(part for part in self.parts if isinstance(part, Field))

    @property
    def beginning(self) -> str:
        """The text every such line begins with."""
        first = self.parts[0]
        return first if isinstance(first, str) else ""

    def match(self, line: str) -> dict[str, str] | None:
        found = self.pattern.fullmatch(line)
        return None if found is None else found.groupdict()

    def render(self, values: Mapping[str, str]) -> Rendered:
        """ValueError: a field is missing, unknown or does not fit its kind."""
        unknown = values.keys() - {field.name for field in self.fields}
        if unknown:
            raise ValueError(f"{self.source!r} has no field {sorted(unknown)[0]}")
        line = ""
        secrets: list[tuple[int, int, str]] = []
        for part in self.parts:
            if isinstance(part, str):
                line += part
                continue
            value = values.get(part.name)
            if value is None or re.fullmatch(part.pattern, value, re.ASCII) is None:
                # The value itself is not shown: it may be a key.
                problem = "missing" if value is None else f"not of kind {part.kind}"
                raise ValueError(f"{self.source!r}: field {part.name} is {problem}")
            if part.kind == "secret":
                secrets.append((len(line), len(line) + len(value), part.name))
            line += value
        return Rendered(line, tuple(secrets))


def _field(source: str, name: str, kind: str, before: list[str | Field], parted: bool) -> Field:
    if kind not in _KINDS:
        raise ValueError(f"{source!r}: field {name}: expected one of {', '.join(_KINDS)}")
    if any(isinstance(part, Field) and part.name == name for part in before):
        raise ValueError(f"{source!r}: field {name} is there twice")
    if before and not parted:
        raise ValueError(f"{source!r}: nothing parts field {name} from the one before it")
    return Field(name, kind)


def _settled(source: str, part: str | Field, behind: list[str | Field]) -> str | Field:
    """A field with the character that follows it."""
    if isinstance(part, str) or not behind or not isinstance(behind[0], str):
        return part
    follows = behind[0][:1]
    if follows and follows in _BELONGS.get(part.kind, ""):
        raise ValueError(f"{source!r}: {follows!r} behind field {part.name} could belong to it")
    return replace(part, follows=follows)
