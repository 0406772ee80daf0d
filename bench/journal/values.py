"""Typed values as JSON and back: what goes into an act and what comes out of it.

Dataclasses, enums and errors of the bench are named by module and class, so that a fresh process
makes equal objects of them. A `Secret` is written as its check value and never read back: keys are
in the key store (`bench.journal.key_store`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from functools import cache
from importlib import import_module
from pathlib import PurePath
from typing import Any, Final

from bench.errors import BenchError, PeerError
from bench.secret import Secret

_MARK: Final = "$"
_OURS: Final = "bench."
_PLAIN: Final = frozenset({type(None), bool, int, float, str})


def written(value: object) -> str:
    """The value as one line of JSON; equal values give equal lines."""
    return json.dumps(encode(value), ensure_ascii=False, separators=(",", ":"))


def encode(value: object) -> Any:
    """The value in the terms of JSON. Raises `TypeError` for what has no written form."""
    kind: Any = type(value)
    if kind in _PLAIN:
        return value
    if isinstance(value, tuple | list) and kind in (tuple, list):
        return [encode(item) for item in value]
    if isinstance(value, float):
        return value
    if isinstance(value, Enum):
        return {_MARK: "enum", "of": _name(type(value)), "value": value.name}
    if isinstance(value, int | str):
        return value
    if isinstance(value, Secret):
        return {_MARK: "secret", "label": value.label, "check-value": value.check_value}
    if isinstance(value, Decimal):
        return {_MARK: "decimal", "value": str(value)}
    if isinstance(value, date):
        return {_MARK: "date", "value": value.isoformat()}
    if isinstance(value, type):
        return {_MARK: "type", "of": _name(value)}
    if isinstance(value, BaseException):
        return _encode_error(value)
    if is_dataclass(value):
        held = {name: encode(getattr(value, name)) for name in _fields(kind)}
        return {_MARK: "is", "of": _name(kind), "fields": held}
    if isinstance(value, Mapping):
        return {_MARK: "map", "items": [[encode(k), encode(v)] for k, v in value.items()]}
    if isinstance(value, AbstractSet):
        return {_MARK: "set", "items": sorted((encode(item) for item in value), key=json.dumps)}
    if isinstance(value, PurePath):
        return {_MARK: "path", "value": str(value)}
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return [encode(item) for item in value]
    raise TypeError(f"a {type(value).__name__} has no form in the journal")


@cache
def _fields(cls: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(cls))


@cache
def _name(cls: type) -> str:
    return f"{cls.__module__}:{cls.__qualname__}"


def _encode_error(error: BaseException) -> Any:
    """By the family it belongs to: a driver's own subclass says no more than that."""
    if isinstance(error, PeerError):
        said = [error.peer, error.operation, error.detail, error.code]
    elif isinstance(error, BenchError):
        said = [str(error), error.hint]
    else:
        raise TypeError(f"a {type(error).__name__} is not the outcome of an act")
    family = next(cls for cls in type(error).__mro__ if cls.__module__ == "bench.errors")
    return {_MARK: "error", "of": _name(family), "said": said}


def read(line: str) -> Any:
    """The value that `written` wrote. Raises `ValueError` where it is no such line."""
    try:
        return decode(json.loads(line))
    except (AttributeError, ImportError, KeyError, TypeError, RecursionError) as error:
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
            cls = _class(data["of"], object)
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
    """A class of the bench: nothing else is ever looked up by a name from a file."""
    module, _, qualified = name.partition(":")
    if not module.startswith(_OURS):
        raise ValueError(f"not a class of the bench: {name}")
    found: Any = import_module(module)
    for part in qualified.split("."):
        found = getattr(found, part)
    if not (isinstance(found, type) and issubclass(found, base)):
        raise ValueError(f"not a class that an act can give: {name}")
    return found
