"""A pydantic model's complaints about a YAML file, in the bench's words and with positions.

Models are checked as JSON is, strictly: text is never taken for a number nor a number for text,
while a list fills a tuple and a word an enum.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from types import UnionType
from typing import Annotated, Any, Final, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError

from bench.errors import Problem, UsageError
from bench.spelling import did_you_mean
from bench.yaml_source import Complaint, Document, PathTuple, listed

FILE_MODEL: Final = ConfigDict(extra="forbid", frozen=True)
"""The `model_config` of a model that a user's file fills: an unknown key is an error."""

_EXPECTED: Final[Mapping[str, str]] = {
    "string_type": "text",
    "string_sub_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "decimal_type": "a number",
    "decimal_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "set_type": "a list",
    "frozen_set_type": "a list",
    "dict_type": "a mapping",
    "mapping_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "dataclass_type": "a mapping",
    "none_required": "nothing",
    "date_type": "a date such as 2021-04-08",
    "date_parsing": "a date such as 2021-04-08",
    "date_from_datetime_parsing": "a date such as 2021-04-08",
    "datetime_type": "a UTC time such as 2021-04-08T09:30:00Z",
    "datetime_parsing": "a UTC time such as 2021-04-08T09:30:00Z",
    "datetime_from_date_parsing": "a UTC time such as 2021-04-08T09:30:00Z",
    "greater_than": "a number greater than {gt}",
    "greater_than_equal": "a number from {ge}",
    "less_than": "a number less than {lt}",
    "less_than_equal": "a number up to {le}",
    "multiple_of": "a multiple of {multiple_of}",
    "string_too_short": "text of at least {min_length} characters",
    "string_too_long": "text of at most {max_length} characters",
    "string_pattern_mismatch": "text that matches {pattern}",
    "too_short": "at least {min_length} items",
    "too_long": "at most {max_length} items",
}

_Model = TypeVar("_Model", bound=BaseModel)


def validate(document: Document, model: type[_Model]) -> _Model:
    """The document as `model`. Raises UsageError with every complaint, in the order of the file."""
    try:
        return model.model_validate_json(json.dumps(document.data), strict=True)
    except ValidationError as error:
        problems = {
            _problem(document, model, dict(detail)): None
            for detail in error.errors(include_url=False)
        }
    ordered = sorted(problems, key=lambda problem: (problem.line, problem.column))
    raise UsageError(listed(ordered))


def _problem(document: Document, model: type[BaseModel], detail: dict[str, Any]) -> Problem:
    kind: str = detail["type"]
    loc: tuple[str | int, ...] = detail["loc"]
    context: dict[str, Any] = detail.get("ctx") or {}
    cause = context.get("error")
    if kind == "missing":
        path, fields = _walk(document, model, loc[:-1])
        here = _probably(document, path, str(loc[-1]), fields)
        return document.problem(path, f"missing key '{loc[-1]}'{here}")
    if kind == "extra_forbidden":
        path, _ = _walk(document, model, loc)
        _, fields = _walk(document, model, loc[:-1])
        held = _value(document, path[:-1])
        near = did_you_mean(str(path[-1]), [field for field in fields if field not in held])
        message = f"unknown key '{path[-1]}'{near or '; known: ' + ', '.join(fields)}"
        return document.problem(path, message, at_key=True)
    path, _ = _walk(document, model, loc)
    at_key = bool(loc) and loc[-1] == "[key]"
    if isinstance(cause, Complaint):
        return document.problem((*path, *cause.at), str(cause))
    value = path[-1] if at_key else _value(document, path)
    if cause is not None and isinstance(value, dict | list):
        return document.problem(path, str(cause))
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        return _bad_tag(document, path, context)
    got = repr(value) if at_key else document.got(path)
    message = f"expected {_expected(kind, context, detail, cause)}, got {got}"
    if kind in ("string_type", "enum", "literal_error"):
        message += document.wants_quotes(path)
    if kind in ("enum", "literal_error") and isinstance(value, str):
        message += did_you_mean(value, _choices(context))
    return document.problem(path, message, at_key=at_key)


def _probably(document: Document, path: PathTuple, missing: str, fields: list[str]) -> str:
    """Which unknown key beside a missing one is probably meant for it."""
    held = _value(document, path)
    if not isinstance(held, dict):
        return ""
    near = did_you_mean(missing, [key for key in held if key not in fields])
    return near.replace("did you mean", "is it", 1)


def _bad_tag(document: Document, path: PathTuple, context: dict[str, Any]) -> Problem:
    key = str(context.get("discriminator", "")).strip("'")
    if "tag" not in context:
        return document.problem(path, f"missing key '{key}'")
    choices = str(context.get("expected_tags", "")).replace("'", "")
    near = did_you_mean(str(context["tag"]), choices.split(", "))
    message = f"expected {_one_of(choices.split(', '))}, got '{context['tag']}'{near}"
    return document.problem((*path, key), message)


def _expected(
    kind: str, context: dict[str, Any], detail: dict[str, Any], cause: BaseException | None
) -> str:
    if kind in ("enum", "literal_error"):
        return _one_of(_choices(context))
    template = _EXPECTED.get(kind)
    if template is None and cause is not None:
        return str(cause)
    if template is None:
        return f"something else ({detail['msg']})"
    plain = {
        key: int(bound) if isinstance(bound, float) and bound.is_integer() else bound
        for key, bound in context.items()
    }
    return template.format(**plain)


def _choices(context: dict[str, Any]) -> list[str]:
    text = str(context.get("expected", "")).replace(" or ", ", ")
    return [choice.strip().strip("'") for choice in text.split(",")]


def _one_of(choices: list[str]) -> str:
    quoted = [f"'{choice}'" for choice in choices]
    return quoted[0] if len(quoted) == 1 else "one of " + ", ".join(quoted)


def _value(document: Document, path: PathTuple) -> Any:
    value: Any = document.data
    for step in path:
        value = value[step]
    return value


def _walk(
    document: Document, model: type[BaseModel], loc: tuple[str | int, ...]
) -> tuple[PathTuple, list[str]]:
    """Where pydantic's `loc` is in the document, and the keys a model knows there.

    `loc` also names members of unions and validators, which are no places of the document.
    """
    value: Any = document.data
    path: list[str | int] = []
    types: list[Any] = [model]
    for step in loc:
        held = (isinstance(value, dict) and step in value) or (
            isinstance(value, list) and isinstance(step, int) and step < len(value)
        )
        if held:
            value = value[step]
            path.append(step)
            types = [inner for outer in types for inner in _inside(outer, step)]
        else:
            types = [kind for kind in types if _is_tagged(kind, step)] or types
    fields = [
        info.alias or name
        for kind in types
        if isinstance(kind, type) and issubclass(kind, BaseModel)
        for name, info in kind.model_fields.items()
    ]
    return tuple(path), list(dict.fromkeys(fields))


def _is_tagged(kind: Any, tag: str | int) -> bool:
    """Whether this member of a tagged union goes by `tag`."""
    return (
        isinstance(kind, type)
        and issubclass(kind, BaseModel)
        and any(tag in get_args(info.annotation) for info in kind.model_fields.values())
    )


def _inside(outer: Any, step: str | int) -> Iterator[Any]:
    """The types that a value of type `outer` may hold under `step`."""
    if isinstance(outer, type) and issubclass(outer, BaseModel):
        for name, info in outer.model_fields.items():
            if step in (info.alias, name):
                yield from _members(info.annotation)
        return
    arguments = get_args(outer)
    if arguments:
        yield from _members(arguments[-1] if isinstance(step, str) else arguments[0])


def _members(annotation: Any) -> Iterator[Any]:
    """The members of a union, without `Annotated`; anything else is its own only member."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _members(get_args(annotation)[0])
    elif origin in (Union, UnionType):
        for argument in get_args(annotation):
            yield from _members(argument)
    else:
        yield annotation
