"""An event as the moment of a fault sees it (`when:`): the fields of its line, as text."""

from __future__ import annotations

import json

from bench.trace import Event, to_json


def fields_of(event: Event) -> dict[str, str]:
    """Field → value; what is no text on the line is text here as it is written there."""
    return {name: _text(value) for name, value in json.loads(to_json(event)).items()}


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
