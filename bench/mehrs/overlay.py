"""A lab's overlay: values from the documents it holds, each with a citation of its own.

The file names the MEHRS version it applies to and gives, for parameters of that version, a
`value` and a `source`. What it sets is settled: status `overlay`, no other readings. Every
complaint about the file comes at once, with its line.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from bench.errors import Problem, UsageError
from bench.mehrs.strategy import Document, Kind, Overlay, Parameter, Source, Status
from bench.spelling import did_you_mean
from bench.units import DAY, parse_duration
from bench.yaml_source import Document as Yaml
from bench.yaml_source import PathTuple, load

MAX_DAYS: Final = 366
MAX_COUNT: Final = 100_000
TOP: Final = ("overlay", "applies-to", "parameters")
ENTRY: Final = ("value", "source")


def read_overlay(path: Path, mehrs: Document) -> tuple[Overlay, dict[str, Parameter]]:
    """The overlay and the parameters it settles. Raises UsageError with all that is wrong."""
    yaml = load(path)
    reader = _OverlayReader(yaml, mehrs)
    name = reader.head()
    supplied = reader.parameters()
    if reader.problems:
        reader.problems.sort(key=lambda problem: (problem.line, problem.column))
        raise UsageError(reader.problems)
    content = {
        "overlay": name,
        "applies-to": mehrs.version,
        "parameters": {
            key: {"value": parameter.value, "source": parameter.source.document}
            for key, parameter in supplied.items()
        },
    }
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return Overlay(name, "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()), supplied


class _OverlayReader:
    def __init__(self, yaml: Yaml, mehrs: Document) -> None:
        self._yaml = yaml
        self._mehrs = mehrs
        self.problems: list[Problem] = []

    def head(self) -> str:
        """The overlay's name, after checking the top of the file."""
        data = self._yaml.data
        self._keys((), data, TOP)
        name = self._text(("overlay",), "a name for the overlay") if "overlay" in data else ""
        if "applies-to" in data:
            version = self._text(("applies-to",), "a MEHRS version")
            if version and version != self._mehrs.version:
                self._complain(
                    ("applies-to",),
                    f"expected MEHRS {self._mehrs.version}, the version chosen, got '{version}': "
                    "choose that version, or use an overlay made for the one chosen",
                )
        return name

    def parameters(self) -> dict[str, Parameter]:
        entries = self._yaml.data.get("parameters")
        if "parameters" not in self._yaml.data:
            return {}
        if not isinstance(entries, dict) or not entries:
            self._expected(("parameters",), "a mapping of parameters to their value and source")
            return {}
        supplied: dict[str, Parameter] = {}
        for key, entry in entries.items():
            at: PathTuple = ("parameters", key)
            known = self._mehrs.parameters.get(key)
            if known is None:
                near = did_you_mean(key, self._mehrs.parameters)
                self._complain(
                    at, f"MEHRS {self._mehrs.version} has no parameter '{key}'{near}", at_key=True
                )
            settled = self._entry(at, entry, known)
            if settled is not None:
                supplied[key] = settled
        return supplied

    def _entry(self, at: PathTuple, entry: Any, known: Parameter | None) -> Parameter | None:
        if not isinstance(entry, dict):
            self._expected(at, "{value: …, source: …}")
            return None
        self._keys(at, entry, ENTRY)
        if "source" in entry:
            source = self._text((*at, "source"), "the citation of your own document")
        if "value" not in entry or known is None:
            return None
        value = self._value((*at, "value"), entry["value"], known)
        if value is None or "source" not in entry:
            return None
        return replace(
            known,
            value=value,
            status=Status.OVERLAY,
            source=Source(source, ""),
            placeholder=None,
            note="",
        )

    def _value(self, at: PathTuple, value: Any, known: Parameter) -> int | str | None:
        if known.kind is Kind.COUNT:
            if type(value) is int and 0 <= value <= MAX_COUNT:
                return value
            self._expected(at, f"a whole number from 0 to {MAX_COUNT}")
        elif known.kind is Kind.CHOICE:
            if isinstance(value, str) and value in known.choices:
                return value
            near = did_you_mean(value, known.choices) if isinstance(value, str) else ""
            self._expected(at, f"one of the readings {', '.join(known.choices)}", near)
        else:
            try:
                span = parse_duration(value)
            except ValueError as error:
                self._expected(at, str(error))
                return None
            if 0 < span <= MAX_DAYS * DAY:
                return span
            self._expected(at, f"a duration longer than nothing and of at most {MAX_DAYS}d")
        return None

    def _keys(self, at: PathTuple, entry: dict[str, Any], known: tuple[str, ...]) -> None:
        for key in entry:
            if key not in known:
                absent = [name for name in known if name not in entry]
                self._complain(
                    (*at, key), f"unknown key '{key}'{did_you_mean(key, absent)}", at_key=True
                )
        for key in known:
            if key not in entry:
                self._complain(at, f"missing key '{key}'")

    def _text(self, at: PathTuple, wanted: str) -> str:
        value: Any = self._yaml.data
        for step in at:
            value = value[step]
        if isinstance(value, str) and value.strip():
            return " ".join(value.split())
        self._expected(at, wanted, self._yaml.wants_quotes(at))
        return ""

    def _expected(self, at: PathTuple, wanted: str, advice: str = "") -> None:
        self._complain(at, f"expected {wanted}, got {self._yaml.got(at)}{advice}")

    def _complain(self, at: PathTuple, message: str, *, at_key: bool = False) -> None:
        self.problems.append(self._yaml.problem(at, message, at_key=at_key))
