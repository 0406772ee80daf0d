"""The JSON Schema of a file whose form is a dataclass.

The same pydantic model that reads a file gives its schema (`bench.file_model.model_of`), so the two
cannot differ. Descriptions come from the dataclasses' docstrings; what a docstring says of a field
by its name (`` `quiet`: how long … ``) becomes that field's own.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, get_args, get_type_hints

from bench.file_model import key_of, model_of

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_NAMED: Final = re.compile(r"((?:`[a-z][a-z_-]*`(?:, | and |/)?)+): ")
_NAME: Final = re.compile(r"`([a-z][a-z_-]*)`")


def form_schema(kind: str, form: type) -> dict[str, Any]:
    """`kind`: for the title. Every mapping of a fixed form refuses keys that it does not know."""
    schema = model_of(form).model_json_schema(by_alias=True)
    definitions: dict[str, Any] = schema.get("$defs", {})
    for cls in _dataclasses_in(form, {}):
        _describe(definitions.get(cls.__name__, schema), cls)
    for part in (schema, *definitions.values()):
        for field in part.get("properties", {}).values():
            _tidy(field)
    return {
        "$schema": DIALECT,
        **schema,
        "title": f"smets1-bench: a {kind} file",
        "description": _sentences(form),
    }


def _tidy(field: dict[str, Any]) -> None:
    """A title repeats the key, and a key that is left out has no value, not null."""
    field.pop("title", None)
    if field.get("default", ...) is None:
        del field["default"]


def _describe(schema: dict[str, Any], cls: type) -> None:
    said = _said_of_fields(cls)
    for field in dataclasses.fields(cls):
        described = said.get(field.name)
        if described is not None:
            schema["properties"][key_of(field.name)]["description"] = described
    schema["description"] = _sentences(cls)


def _said_of_fields(cls: type) -> Mapping[str, str]:
    """What the docstring says of each field: from its name to the next name, or a blank line."""
    names = {field.name for field in dataclasses.fields(cls)}
    said: dict[str, str] = {}
    for paragraph in inspect.cleandoc(cls.__doc__ or "").split("\n\n"):
        text = " ".join(paragraph.split())
        matches = list(_NAMED.finditer(text))
        for number, match in enumerate(matches):
            following = matches[number + 1].start() if number + 1 < len(matches) else len(text)
            sentence = text[match.end() : following].strip()
            for name in _NAME.findall(match[1]):
                if name.replace("-", "_") in names:
                    said[name.replace("-", "_")] = sentence[:1].upper() + sentence[1:]
    return said


def _sentences(cls: type) -> str:
    return " ".join(inspect.cleandoc(cls.__doc__ or "").split())


def _dataclasses_in(cls: type, seen: dict[type, None]) -> Iterator[type]:
    """The dataclass and those that its fields hold, however deep."""
    if cls in seen:
        return
    seen[cls] = None
    yield cls
    for hint in get_type_hints(cls, include_extras=True).values():
        for inner in _types_in(hint):
            if dataclasses.is_dataclass(inner):
                yield from _dataclasses_in(inner, seen)


def _types_in(hint: Any) -> Iterator[type]:
    if isinstance(hint, type):
        yield hint
    for argument in get_args(hint):
        yield from _types_in(argument)
