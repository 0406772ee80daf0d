"""Frozen dataclasses read from YAML: the dataclass says what the file may hold, once.

Field `files_after: Micros | None` is the key `files-after`, a duration such as `2h`, or `never`.
Every complaint comes with its place in the file (`bench.yaml_model`).
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from functools import reduce
from operator import or_
from types import NoneType, UnionType
from typing import Annotated, Any, Final, TypeVar, Union, get_args, get_origin, get_type_hints

from pydantic import (
    BaseModel,
    BeforeValidator,
    Field,
    ValidationError,
    WithJsonSchema,
    create_model,
)

from bench.units import parse_duration, parse_instant
from bench.yaml_model import FILE_MODEL
from bench.yaml_source import Document, parse

T = TypeVar("T")


def read(document: Document, cls: type[T]) -> T:
    """The document as an instance of the dataclass. Raises `UsageError` with every complaint."""
    return _build(parse(document, model_of(cls)), cls)


def read_if_valid(data: Any, cls: type[T]) -> T | None:
    """A part of a document as an instance of the dataclass; None where it has a complaint."""
    try:
        return _build(model_of(cls).model_validate_json(json.dumps(data), strict=True), cls)
    except ValidationError:
        return None


def key_of(field: str) -> str:
    """The key in the file for a dataclass field."""
    return field.rstrip("_").replace("_", "-")


_models: dict[type, type[BaseModel]] = {}


def model_of(cls: type) -> type[BaseModel]:
    """The pydantic model of what a file may hold for the dataclass; also gives its JSON Schema."""
    if cls not in _models:
        _models[cls] = _make_model(cls)
    return _models[cls]


_hints: dict[type, Mapping[str, Any]] = {}


def _hints_of(cls: type) -> Mapping[str, Any]:
    """The dataclass's annotations; working them out anew for each value would be slow."""
    if cls not in _hints:
        _hints[cls] = get_type_hints(cls, include_extras=True)
    return _hints[cls]


def _make_model(cls: type) -> type[BaseModel]:
    hints = _hints_of(cls)
    fields: dict[str, Any] = {}
    for field in dataclasses.fields(cls):
        required = field.default is field.default_factory is dataclasses.MISSING
        default = ... if required else None
        annotation = _file_type(hints[field.name])
        # A key left out is not validated, so None can stand for "take the dataclass's default".
        fields[field.name] = (annotation, Field(default, alias=key_of(field.name)))
    return create_model(cls.__name__, __config__=FILE_MODEL, __doc__=cls.__doc__, **fields)


def _file_type(hint: Any) -> Any:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        # `Any`: what the validator lets through is what is wanted, and one complaint is enough.
        name = arguments[1]
        return Annotated[Any, BeforeValidator(_PARSE[name]), WithJsonSchema(_SCHEMA[name])]
    if origin in (Union, UnionType) and NoneType in arguments:
        inner = [argument for argument in arguments if argument is not NoneType]
        if len(inner) == 1 and get_origin(inner[0]) is Annotated:
            name = get_args(inner[0])[1]
            schema = WithJsonSchema(_OPTIONAL_SCHEMA[name])
            return Annotated[int | None, BeforeValidator(_OPTIONAL[name]), schema]
        return reduce(or_, (_file_type(argument) for argument in arguments))
    if origin is tuple:
        return tuple.__class_getitem__((_file_type(arguments[0]), ...))
    if origin is Mapping:
        return dict.__class_getitem__((arguments[0], _file_type(arguments[1])))
    if dataclasses.is_dataclass(hint):
        assert isinstance(hint, type)
        return model_of(hint)
    return hint


def _duration(value: Any) -> int:
    return parse_duration(value)


def _instant(value: Any) -> int:
    return parse_instant(value)


def _duration_or_never(value: Any) -> int | None:
    if value == "never":
        return None
    try:
        return parse_duration(value)
    except ValueError as error:
        raise ValueError(f"{error}, or never") from None


def _amount(value: Any) -> int:
    if isinstance(value, int):
        return value
    try:
        sign = -1 if value.startswith("-") else 1
        return sign * parse_duration(value.removeprefix("-"))
    except (AttributeError, ValueError):
        raise ValueError("a whole number, or a span such as 30min or -600s") from None


def _scalar(value: Any) -> int | str:
    if isinstance(value, int | str) and not isinstance(value, bool):
        return value
    raise ValueError("a whole number or a text")


_PARSE = {"scalar": _scalar, "microseconds": _duration, "instant": _instant, "amount": _amount}
_OPTIONAL = {"microseconds": _duration_or_never, "amount": _amount}

# The same as JSON Schema, for editors (`bench.schemas`).
_SPAN: Final = "[0-9]{1,9}(ms|s|min|h|d)"
_INSTANT: Final = "[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]{1,6})?Z"
_SCHEMA: Final[Mapping[str, dict[str, Any]]] = {
    "scalar": {"type": ["integer", "string"]},
    "microseconds": {"type": "string", "pattern": f"^{_SPAN}$"},
    "instant": {"type": "string", "pattern": f"^{_INSTANT}$"},
    "amount": {"type": ["integer", "string"], "pattern": f"^-?{_SPAN}$"},
}
_OPTIONAL_SCHEMA: Final[Mapping[str, dict[str, Any]]] = {
    "microseconds": {"type": "string", "pattern": f"^({_SPAN}|never)$"},
    "amount": _SCHEMA["amount"],
}


def _build(model: BaseModel, cls: type[T]) -> T:
    hints = _hints_of(cls)
    given = model.model_fields_set
    values = {
        field.name: _value(getattr(model, field.name), hints[field.name])
        for field in dataclasses.fields(cls)  # type: ignore[arg-type]
        if field.name in given
    }
    return cls(**values)


def _value(value: Any, hint: Any) -> Any:
    if isinstance(value, BaseModel):
        return _build(value, _dataclass_in(hint))
    if isinstance(value, tuple):
        return tuple(_value(item, get_args(hint)[0]) for item in value)
    if isinstance(value, dict) and get_origin(hint) is Mapping:
        return {key: _value(item, get_args(hint)[1]) for key, item in value.items()}
    return value


def _dataclass_in(hint: Any) -> type:
    """The dataclass in a hint that is one, or one of a union."""
    candidates = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    (cls,) = (c for c in candidates if dataclasses.is_dataclass(c))
    assert isinstance(cls, type)
    return cls
