"""One line of a trace as a JSON object, or what was expected instead."""

from __future__ import annotations

import json
from typing import Any, Final, NoReturn


class FaultyLine(Exception):
    """One line breaks the format. `faults` are sentences, each saying what was expected.

    `installation` and `kind` are the line's own, where they could be read.
    """

    def __init__(
        self, *faults: str, installation: str | None = None, kind: str | None = None
    ) -> None:
        self.faults = faults
        self.installation = installation
        self.kind = kind
        super().__init__("; ".join(faults))


def shown(value: object) -> str:
    """A value of the trace as an error message shows it: JSON, one line, cut short."""
    try:
        text = json.dumps(value)
    except (TypeError, ValueError, RecursionError):
        text = type(value).__name__
    return text if len(text) <= 60 else text[:57] + "..."


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _no_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"field {shown(twice)} stands twice")
    return found


_quick: Final = json.JSONDecoder(parse_constant=_no_constant)
_thorough: Final = json.JSONDecoder(parse_constant=_no_constant, object_pairs_hook=_no_twice)


def object_of(text: str) -> dict[str, Any]:
    """The JSON object of one line. Raises FaultyLine where there is none.

    Of a field that stands twice nobody can say which was meant: it is refused. The quick decoder
    takes the last; it is believed only where the line has as many `":` as the object has fields
    and no quote is followed by a blank, so that every field of the text is one of the object's.
    """
    try:
        value, end = _quick.raw_decode(text)
        if (
            end != len(text)
            or type(value) is not dict
            or text.count('":') != len(value)
            or '" ' in text
            or '"\t' in text
            or '"\r' in text
        ):
            value = _thorough.decode(text)
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode()
    except RecursionError:
        raise FaultyLine("expected a JSON object, got one nested too deeply") from None
    except UnicodeEncodeError:
        raise FaultyLine("expected text, got half of a surrogate pair (\\ud800…\\udfff)") from None
    except json.JSONDecodeError as error:
        raise FaultyLine(f"expected one JSON object: {error.msg} at column {error.colno}") from None
    except ValueError as error:
        why = str(error).split(";")[0]
        raise FaultyLine(f"expected one JSON object: {why}") from None
    if type(value) is not dict:
        raise FaultyLine(f"expected one JSON object, got {shown(value)}")
    return value
