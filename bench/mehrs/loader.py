"""Reads the shipped versions and merges a lab's overlay over them.

A version file may `extend` an earlier one and then states only what its paper changes, as DCC's
own delta copies do. What is inherited without a new status becomes `carried` if it was concluded
or proposed; what is unsourced, a reading or the bench's own stays so.

The shipped files are part of the program: a mistake in one is a bug, not a usage error.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from bench.mehrs.overlay import read_overlay
from bench.mehrs.strategy import (
    Document,
    Kind,
    Parameter,
    Rule,
    Source,
    Status,
    Strategy,
    section_order,
)
from bench.mehrs.versions import DATA, DEFAULT_MAM, DEFAULT_MEHRS, require
from bench.parties import Group
from bench.units import parse_duration
from bench.yaml_source import load

_Entries = dict[str, dict[str, Any]]

_STATED: Final = (Status.CONCLUDED, Status.PROPOSED)


def load_strategy(
    mehrs: str = DEFAULT_MEHRS, mam: str = DEFAULT_MAM, overlay: Path | None = None
) -> Strategy:
    """The strategy of these versions. Raises UsageError: an unknown version, a faulty overlay."""
    documents = load_document("MEHRS", mehrs), load_document("MAM", mam)
    parameters = {key: value for part in documents for key, value in part.parameters.items()}
    rules = {key: value for part in documents for key, value in part.rules.items()}
    merged = None
    if overlay is not None:
        merged, supplied = read_overlay(overlay, documents[0])
        parameters.update(supplied)
    return Strategy(documents[0], documents[1], merged, parameters, rules)


@cache
def load_document(kind: str, version: str) -> Document:
    """One version of the `MEHRS` or the `MAM`, without overlay."""
    require(kind, version)
    head, parameters, rules = _resolve(kind, version)
    shown = {key: _parameter(key, entry) for key, entry in parameters.items()}
    judged = {key: _rule(key, entry) for key, entry in rules.items()}
    return Document(
        kind=kind,
        version=version,
        title=head["title"],
        date=head["date"],
        digest=_digest(kind, version, shown, judged),
        parameters=dict(sorted(shown.items(), key=lambda item: section_order(item[1].section))),
        rules=dict(sorted(judged.items(), key=lambda item: section_order(item[1].section))),
    )


@cache
def _read(kind: str, version: str) -> Mapping[str, Any]:
    return load(DATA / f"{kind.lower()}-{version}.yaml").data


def _resolve(kind: str, version: str) -> tuple[Mapping[str, Any], _Entries, _Entries]:
    head = _read(kind, version)
    if (head["kind"], head["version"]) != (kind, version):
        raise ValueError(f"{kind} {version}: the file says {head['kind']} {head['version']}")
    parameters: _Entries = {}
    rules: _Entries = {}
    if "extends" in head:
        _, parameters, rules = _resolve(kind, head["extends"])
    return (
        head,
        _merge(parameters, head.get("parameters", {})),
        _merge(rules, head.get("rules", {})),
    )


def _merge(inherited: _Entries, stated: Mapping[str, Mapping[str, Any]]) -> _Entries:
    merged = {key: dict(entry) for key, entry in inherited.items()}
    for key, entry in merged.items():
        if entry.get("status") in _STATED and "status" not in stated.get(key, {}):
            entry["status"] = Status.CARRIED.value
    for key, changes in stated.items():
        merged[key] = {**merged.get(key, {}), **changes}
    return merged


def _parameter(key: str, entry: Mapping[str, Any]) -> Parameter:
    kind = Kind(entry["kind"])
    readings: Mapping[str, str] = entry.get("readings", {})
    return Parameter(
        id=key,
        section=entry["section"],
        title=entry["title"],
        kind=kind,
        value=_value(kind, entry.get("value")),
        status=Status(entry["status"]),
        source=_source(entry["source"]),
        placeholder=_placeholder(kind, entry.get("placeholder")),
        choices=tuple(readings),
        meanings=readings,
        note=entry.get("note", ""),
    )


def _value(kind: Kind, stated: Any) -> int | str | None:
    if stated is None:
        return None
    if kind is Kind.DURATION:
        return parse_duration(stated)
    return int(stated) if kind is Kind.COUNT else str(stated)


def _placeholder(kind: Kind, stated: Any) -> int | None:
    value = _value(kind, stated)
    return None if value is None else int(value)


def _rule(key: str, entry: Mapping[str, Any]) -> Rule:
    groups = entry["groups"]
    return Rule(
        id=key,
        section=entry["section"],
        title=entry["title"],
        groups=tuple(Group) if groups == "all" else (Group(groups),),
        status=Status(entry["status"]) if "status" in entry else None,
        parameters=tuple(entry.get("parameters", ())),
        source=_source(entry["source"]),
        reading=entry.get("reading", ""),
    )


def _source(text: str) -> Source:
    document, _, clause = text.partition(" ")
    return Source(document, clause)


def document_text(document: Document) -> str:
    """What a verdict can rest on, as the text whose SHA-256 is the document's `digest`."""
    return _content(document.kind, document.version, document.parameters, document.rules)


def _digest(
    kind: str, version: str, parameters: Mapping[str, Parameter], rules: Mapping[str, Rule]
) -> str:
    content = _content(kind, version, parameters, rules)
    return "sha256:" + hashlib.sha256(content.encode()).hexdigest()


def _content(
    kind: str, version: str, parameters: Mapping[str, Parameter], rules: Mapping[str, Rule]
) -> str:
    """What a verdict can rest on and nothing else: mending a title or a note changes no hash."""
    content = {
        "kind": kind,
        "version": version,
        "parameters": {
            key: {
                "kind": parameter.kind,
                "value": parameter.value,
                "placeholder": parameter.placeholder,
                "readings": sorted(parameter.choices),
                "status": parameter.status,
                "source": str(parameter.source),
            }
            for key, parameter in parameters.items()
        },
        "rules": {
            key: {
                "section": rule.section,
                "groups": rule.groups,
                "status": rule.status,
                "parameters": rule.parameters,
                "source": str(rule.source),
            }
            for key, rule in rules.items()
        },
    }
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
