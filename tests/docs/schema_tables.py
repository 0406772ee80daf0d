"""The keys of every file that people write, as tables, from the published JSON Schemas."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from bench.schemas.forms import KINDS, schema

_SPAN: Final = "^[0-9]{1,9}(ms|s|min|h|d)$"


def schema_page() -> Iterator[str]:
    yield from ("# Files: every key", "")
    yield "Made by `make docs` from what reads the files; a test fails when it is out of date."
    yield "`smets1-bench schema KIND` prints the same for editors ([how](../doctor.md#schemas))."
    yield "A *span* is a whole number with a unit: `90s`, `30min`, `4h`."
    for kind in KINDS:
        whole = schema(kind)
        parts: dict[str, Mapping[str, Any]] = {kind: whole}
        parts |= {
            name: part for name, part in whole.get("$defs", {}).items() if "properties" in part
        }
        yield from ("", f"## {kind}", "", _line(whole.get("description", "")))
        for name, part in parts.items():
            if name != kind:
                yield from ("", f"### {kind}: {name}", "", _line(part.get("description", "")))
            yield from ("", "| key | value | default | |", "|---|---|---|---|")
            needed = part.get("required", ())
            for key, field in part.get("properties", {}).items():
                default = "needed" if key in needed else _default(field)
                about = _line(field.get("description", ""))
                yield f"| `{key}` | {_shape(field, whole)} | {default} | {about} |"


def _default(field: Mapping[str, Any]) -> str:
    return f"`{json.dumps(field['default'])}`" if field.get("default") not in (None, "") else ""


def _shape(field: Mapping[str, Any], whole: Mapping[str, Any]) -> str:
    """In a few words."""
    if "$ref" in field:
        name = field["$ref"].rpartition("/")[2]
        return _shape(whole["$defs"][name], whole) if "enum" in _held(name, whole) else name
    for several in ("anyOf", "oneOf"):
        if several in field:
            shapes = dict.fromkeys(_shape(each, whole) for each in field[several])
            return " or ".join(shape for shape in shapes if shape != "null")
    if "enum" in field:
        return ", ".join(f"`{each}`" for each in field["enum"])
    if "const" in field:
        return f"`{field['const']}`"
    if field.get("pattern") == _SPAN:
        return "span"
    if field.get("type") == "array":
        inside = field.get("items") or {}
        return f"list of {_shape(inside, whole)}" if inside else "list"
    if field.get("type") == "object":
        inside = field.get("additionalProperties")
        held = _shape(inside, whole) if isinstance(inside, dict) and inside else ""
        return f"by name: {held}" if held else "keys and values"
    return _WORDS.get(str(field.get("type")), "")


_WORDS: Final = {"string": "text", "integer": "whole number", "number": "number",
                 "boolean": "`true`, `false`", "null": "null"}  # fmt: skip


def _held(name: str, whole: Mapping[str, Any]) -> Mapping[str, Any]:
    held: Mapping[str, Any] = whole["$defs"][name]
    return held


def _line(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
