"""The JSON Schema of an overlay, made from the strategies it may settle values of."""

from __future__ import annotations

from typing import Any, Final

from bench.mehrs.loader import load_document
from bench.mehrs.overlay import ENTRY, MAX_COUNT, TOP
from bench.mehrs.strategy import Kind, Parameter
from bench.mehrs.versions import versions
from bench.schemas.form_schema import DIALECT

_TEXT: Final = {"type": "string", "pattern": "\\S"}


def overlay_schema() -> dict[str, Any]:
    """A parameter is one of any shipped version; which has which, the bench says when it reads."""
    held = versions("MEHRS")
    parameters: dict[str, Parameter] = {}
    for version in held:
        parameters |= load_document("MEHRS", version).parameters
    return {
        "$schema": DIALECT,
        "title": "smets1-bench: an overlay file",
        "description": "A lab's values, from documents it holds, each with a citation of its own.",
        "type": "object",
        "additionalProperties": False,
        "required": list(TOP),
        "properties": {
            "overlay": {**_TEXT, "description": "Its name."},
            "applies-to": {"enum": list(held), "description": "The MEHRS version it is for."},
            "parameters": {
                "type": "object",
                "minProperties": 1,
                "additionalProperties": False,
                "properties": {key: _entry(each) for key, each in sorted(parameters.items())},
            },
        },
    }


def _entry(parameter: Parameter) -> dict[str, Any]:
    return {
        "type": "object",
        "description": parameter.title,
        "additionalProperties": False,
        "required": list(ENTRY),
        "properties": {
            "value": _value(parameter),
            "source": {**_TEXT, "description": "The citation of your own document."},
        },
    }


def _value(parameter: Parameter) -> dict[str, Any]:
    match parameter.kind:
        case Kind.COUNT:
            return {"type": "integer", "minimum": 0, "maximum": MAX_COUNT}
        case Kind.CHOICE:
            return {"enum": list(parameter.choices)}
        case Kind.DURATION:
            return {"type": "string", "pattern": "^[0-9]{1,9}(ms|s|min|h|d)$"}
