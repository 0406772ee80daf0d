"""A dataclass of `bench.file_model` as it is written in a file: what `read` would give back."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from decimal import Decimal
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin, get_type_hints

import yaml

from bench.file_model import key_of
from bench.units import DAY, HOUR, MILLISECOND, MINUTE, SECOND, Micros, format_instant

_UNITS: Final = (("ms", MILLISECOND), ("s", SECOND), ("min", MINUTE), ("h", HOUR), ("d", DAY))
_MOST: Final = 999_999_999


def form_text(form: Any) -> str:
    """The file's text. What is as the dataclass has it by default is left out.

    ValueError: a span is no whole number of milliseconds, or too long: no file can say it.
    """
    return yaml.safe_dump(_fields(form), sort_keys=False, allow_unicode=True, width=100)


def _fields(form: Any) -> dict[str, Any]:
    hints = get_type_hints(type(form), include_extras=True)
    said: dict[str, Any] = {}
    for field in dataclasses.fields(form):
        value = getattr(form, field.name)
        default = field.default
        if field.default_factory is not dataclasses.MISSING:
            default = field.default_factory()
        if default is dataclasses.MISSING or value != default:
            said[key_of(field.name)] = _value(value, hints[field.name])
    return said


def _value(value: Any, hint: Any) -> Any:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _measured(value, arguments[1])
    if origin in (Union, UnionType):
        if value is None:
            return "never"
        return _value(value, next(each for each in arguments if each is not NoneType))
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Decimal):
        return str(value)
    if dataclasses.is_dataclass(value):
        return _fields(value)
    if isinstance(value, tuple):
        return [_value(each, arguments[0]) for each in value]
    if isinstance(value, Mapping):
        return {str(key): _value(each, arguments[1]) for key, each in value.items()}
    return value


def _measured(value: Any, unit: str) -> Any:
    if unit == "microseconds":
        return _span(value)
    return format_instant(value) if unit == "instant" else value


def _span(span: Micros) -> str:
    for unit, size in _UNITS if span % SECOND else _UNITS[1:]:
        if span % size == 0 and span // size <= _MOST:
            return f"{span // size}{unit}"
    raise ValueError(f"{span} µs is no whole number of milliseconds, or too long for a file")
