"""`farm.html`: every station's verdicts on one page, under the same policy as `report.html`."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Final
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from bench.farm.record import FarmRecord
from bench.report import TEMPLATES as REPORT_TEMPLATES
from bench.report.marks import SYMBOLS
from bench.report.render import HTML

_TEMPLATES: Final = Path(__file__).parent / "templates"


def farm_html(record: FarmRecord) -> str:
    """The same bytes for the same record. Links lead to each station's own report beside it."""
    style = "".join(
        path.read_text(encoding="utf-8")
        for path in (REPORT_TEMPLATES / "style.css", _TEMPLATES / "farm.css")
    )
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return environment.get_template("farm.html.j2").render(
        record=record,
        symbols=SYMBOLS,
        links={each.name: f"{quote(each.folder)}/{HTML}" for each in record.stations},
        style=Markup(style),
        style_hash=f"sha256-{digest}",
    )
