"""Reports of a run, all rendered from its `result.json` and `trace.jsonl`.

`text` and `story` are also used while a run goes on, so neither imports a template engine.
Nothing here reads a clock or a device: the same folder gives the same bytes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

TEMPLATES: Final = Path(__file__).parent / "templates"
