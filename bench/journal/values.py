"""Typed values as JSON and back: what goes into an act and what comes out of it.

Dataclasses, enums and errors of the bench are named by module and class, so that a fresh process
makes equal objects of them. A `Secret` is written as its check value and never read back: keys are
in the key store (`bench.journal.key_store`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from importlib import import_module
from pathlib import PurePath
from typing import Any, Final

from bench.errors import BenchError, PeerError
from bench.secret import Secret

_MARK: Final = "$"
_OURS: Final = re.compile(r"bench(\.[a-z][a-z0-9_]*)+", re.ASCII)


def written(value: object) -> str:
    """The value as one line of JSON; equal values give equal lines.

    Raises `TypeError` for what has no written form.
    """
    kind = type(value)
    write = _WRITERS.get(kind)
    if write is None:
        write = _WRITERS[kind] = _writer_for(kind)
    return write(value)


_Write = Callable[[Any], str]


def _writer_for(kind: type) -> _Write:
    """Chosen once for each class: a journal writes the same few over and over."""
    if is_dataclass(kind):
        return _dataclass_writer(kind)
    return next((write for base, write in _FORMS if issubclass(kind, base)), _raw)


def _sequence(value: Sequence[object]) -> str:
    return f"[{','.join(map(written, value))}]"


def _marked(mark: str, rest: str) -> str:
    return f'{{"{_MARK}":"{mark}",{rest}}}'


def _enum(value: Enum) -> str:
    return _marked("enum", f'"of":"{_name(type(value))}","value":"{value.name}"')


def _secret(value: Secret) -> str:
    said = f'"label":{_quoted(value.label)},"check-value":{_quoted(value.check_value)}'
    return _marked("secret", said)


def _error(error: BaseException) -> str:
    """By the family it belongs to: a driver's own subclass says no more than that."""
    if isinstance(error, PeerError):
        said = [error.peer, error.operation, error.detail, error.code]
    elif isinstance(error, BenchError):
        said = [str(error), error.hint]
    else:
        raise TypeError(f"a {type(error).__name__} is not the outcome of an act")
    family = next(cls for cls in type(error).__mro__ if cls.__module__ == "bench.errors")
    return _marked("error", f'"of":"{_name(family)}","said":{written(said)}')


def _dataclass_writer(cls: Any) -> _Write:
    head = f'{{"{_MARK}":"is","of":"{_name(cls)}","fields":{{'
    named = tuple((field.name, f'"{field.name}":') for field in fields(cls))

    def write(value: Any) -> str:
        held = [key + written(getattr(value, name)) for name, key in named]
        return f"{head}{','.join(held)}}}}}"

    return write


def _map(value: Mapping[object, object]) -> str:
    items = [f"[{written(key)},{written(held)}]" for key, held in value.items()]
    return _marked("map", f'"items":[{",".join(items)}]')


def _set(value: AbstractSet[object]) -> str:
    return _marked("set", f'"items":[{",".join(sorted(map(written, value)))}]')


def _raw(value: object) -> str:
    raise TypeError(f"a {type(value).__name__} has no form in the journal")


def _name(cls: type) -> str:
    return f"{cls.__module__}:{cls.__qualname__}"


_quoted: Final = json.JSONEncoder(ensure_ascii=False).encode

_FORMS: Final[tuple[tuple[Any, _Write], ...]] = (
    (Enum, _enum),
    (str, _quoted),
    (bool, lambda value: "true" if value else "false"),
    (int, int.__repr__),
    (float, json.JSONEncoder().encode),
    (type(None), lambda _: "null"),
    (tuple, _sequence),
    (Secret, _secret),
    (Decimal, lambda value: _marked("decimal", f'"value":"{value}"')),
    (date, lambda value: _marked("date", f'"value":"{value.isoformat()}"')),
    (type, lambda value: _marked("type", f'"of":"{_name(value)}"')),
    (BaseException, _error),
    (Mapping, _map),
    (AbstractSet, _set),
    (PurePath, lambda value: _marked("path", f'"value":{_quoted(str(value))}')),
    (bytes | bytearray, _raw),
    (Sequence, _sequence),
)
"""The first that fits is taken: an enum may be a text or a number too."""

_WRITERS: Final[dict[type, _Write]] = {}


def read(line: str) -> Any:
    """The value that `written` wrote. Raises `ValueError` where it is no such line."""
    try:
        return decode(json.loads(line))
    except (
        ArithmeticError,
        AttributeError,
        ImportError,
        KeyError,
        TypeError,
        RecursionError,
    ) as error:
        raise ValueError(f"not a value of the journal: {error}") from None


def decode(data: Any) -> Any:
    if isinstance(data, list):
        return tuple(decode(item) for item in data)
    if not isinstance(data, dict):
        return data
    match data[_MARK]:
        case "enum":
            return _class(data["of"], Enum)[data["value"]]
        case "decimal":
            return Decimal(data["value"])
        case "date":
            return date.fromisoformat(data["value"])
        case "type":
            return _class(data["of"], object)
        case "is":
            made = _class(data["of"], object)
            if not is_dataclass(made):
                raise ValueError(f"not a dataclass: {data['of']}")
            cls: Any = made
            return cls(**{name: decode(value) for name, value in data["fields"].items()})
        case "map":
            return {decode(key): decode(value) for key, value in data["items"]}
        case "set":
            return frozenset(decode(item) for item in data["items"])
        case "error":
            return _decode_error(data)
    raise ValueError(f"a {data[_MARK]} is not read back")


def _decode_error(data: Any) -> PeerError | BenchError:
    cls, said = _class(data["of"], Exception), data["said"]
    if issubclass(cls, PeerError):
        peer, operation, detail, code = said
        of_peer: PeerError = cls(peer, operation, detail, code=code)
        return of_peer
    message, hint = said
    of_bench: BenchError = cls(message, hint=hint)
    return of_bench


def _class(name: str, base: type) -> Any:
    """A class that a module of the bench defines: nothing else is ever reached by a name from a
    file, least of all what such a module has imported.
    """
    module, _, qualified = name.partition(":")
    if _OURS.fullmatch(module) is None:
        raise ValueError(f"not a class of the bench: {name}")
    found: Any = import_module(module)
    for part in qualified.split("."):
        found = getattr(found, part)
    if not (isinstance(found, type) and issubclass(found, base) and _name(found) == name):
        raise ValueError(f"not a class that an act can give: {name}")
    return found
