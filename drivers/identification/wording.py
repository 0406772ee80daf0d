"""What identification found, for people and as plain data for JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from bench.printable import printable
from drivers.capture.listing import as_json as items_json
from drivers.capture.listing import listing
from drivers.identification.findings import (
    ConsoleFound,
    Findings,
    Found,
    MeterFound,
    ModbusFound,
    Outcome,
    PublicAssociation,
    SignedOn,
)
from drivers.identification.hdlc_probe import address_text
from drivers.identification.listening import Overheard


def report(findings: Findings) -> Iterator[str]:
    """What was found, then what was tried and how much was sent."""
    yield from (printable(line) for line in _found(findings.found))
    if findings.found is None:
        yield "nothing was found that speaks a language known here"
    tried = Counter(trial.outcome for trial in findings.trials)
    counts = ", ".join(f"{tried[outcome]} {outcome}" for outcome in Outcome if tried[outcome])
    lines = len({str(trial.line) for trial in findings.trials})
    yield f"tried: {len(findings.trials)} questions on {lines} lines ({counts or 'none'})"
    for trial in findings.trials:
        if trial.outcome is not Outcome.SILENT:
            detail = f": {trial.detail}" if trial.detail else ""
            yield printable(f"  {trial.line}  {trial.question}: {trial.outcome}{detail}")
    yield (
        f"sent: {findings.sent} frames of {findings.allowance} allowed, "
        f"public associations: {findings.associations}, no password and no key"
    )
    if findings.ended_early:
        yield f"ended early: {findings.ended_early}"


def _found(found: Found | None) -> Iterator[str]:
    match found:
        case MeterFound():
            yield from _meter(found)
        case ConsoleFound():
            spoken = f", dialect of {found.dialect}" if found.dialect else ", dialect not known"
            yield f"found: a console at {found.line}{spoken}"
            yield f"  prompt: {found.prompt!r}" if found.prompt else "  prompt: none"
            for key, value in found.identity.items():
                yield f"  {key.replace('_', '-')}: {value}"
            if not found.dialect:
                yield f"  it said: {found.heard!r}"
        case ModbusFound():
            yield f"found: Modbus RTU at {found.line}"
            for unit in found.units:
                said = ", ".join(f"{key} {value}" for key, value in unit.identity.items())
                yield f"  unit {unit.unit}: {said or 'does not identify itself'}"
                for table, count in unit.tables.items():
                    yield f"    {table}: {f'0 to {count - 1}' if count else 'none'} readable"


def _meter(found: MeterFound) -> Iterator[str]:
    yield f"found: a meter at {found.line}"
    if found.signed_on is not None:
        yield from _signed_on(found.signed_on)
    if found.server is None:
        yield "  HDLC: no server address answered"
        return
    yield f"  HDLC: server {address_text(found.server)}, {found.information} octets of information"
    if not found.accepts:
        yield "  HDLC: it has no connection for the public client (DM)"
    if found.public is not None:
        yield from _public(found.public)


def _signed_on(said: SignedOn) -> Iterator[str]:
    name = said.identification
    yield f"  optical sign-on: {name.manufacturer} {name.text}, baud code {name.baud_code}"
    for entry in said.readout:
        values = " ".join(f"{value} {unit}".strip() for value, unit in entry.values)
        yield f"    {entry.address}  {values}"


def _public(public: PublicAssociation) -> Iterator[str]:
    if public.refusal:
        yield f"  public client: {public.refusal}"
        return
    yield f"  public client: associated, PDU of {public.max_pdu}, {', '.join(public.services)}"
    if public.title:
        yield f"  system title: {public.title}"
    count = "not given" if public.objects is None else f"{len(public.objects)} objects"
    yield f"  object list: {count}"
    for each in public.read:
        said = each.value if each.value is not None else f"not given: {each.refusal}"
        yield f"    {each.class_id:>3}  {each.name:<18} {each.index}  {said}"


def as_json(findings: Findings, profile: str | None) -> dict[str, object]:
    """`profile`: the drafted one's text."""
    return {
        "port": findings.port,
        "found": _found_json(findings.found),
        "tried": [
            {
                "line": str(trial.line),
                "question": trial.question,
                "outcome": str(trial.outcome),
                "detail": trial.detail,
            }
            for trial in findings.trials
        ],
        "sent": findings.sent,
        "allowance": findings.allowance,
        "associations": findings.associations,
        "ended-early": findings.ended_early,
        "profile": profile,
    }


def _found_json(found: Found | None) -> dict[str, object] | None:
    match found:
        case MeterFound():
            return {
                "kind": "meter",
                "line": str(found.line),
                "sign-on": _signed_on_json(found.signed_on),
                "server": None if found.server is None else address_text(found.server),
                "accepts": found.accepts,
                "information": found.information,
                "public": _public_json(found.public),
            }
        case ConsoleFound():
            return {
                "kind": "console",
                "line": str(found.line),
                "prompt": found.prompt,
                "dialect": found.dialect,
                "identity": dict(found.identity),
                "heard": found.heard,
            }
        case ModbusFound():
            return {
                "kind": "modbus",
                "line": str(found.line),
                "units": [
                    {
                        "unit": unit.unit,
                        "identity": dict(unit.identity),
                        "tables": dict(unit.tables),
                    }
                    for unit in found.units
                ],
            }
    return None


def _signed_on_json(said: SignedOn | None) -> Mapping[str, object] | None:
    if said is None:
        return None
    name = said.identification
    return {
        "manufacturer": name.manufacturer,
        "text": name.text,
        "baud-code": name.baud_code,
        "hdlc": said.hdlc,
        "readout": [[entry.address, *map(list, entry.values)] for entry in said.readout],
    }


def _public_json(public: PublicAssociation | None) -> Mapping[str, object] | None:
    if public is None:
        return None
    return {
        "refusal": public.refusal,
        "system-title": public.title,
        "max-pdu": public.max_pdu,
        "services": list(public.services),
        "objects": None
        if public.objects is None
        else [{"class": each.class_id, "name": each.name} for each in public.objects],
        "read": [
            {
                "class": each.class_id,
                "name": each.name,
                "attribute": each.index,
                "value": each.value,
                "refusal": each.refusal,
            }
            for each in public.read
        ],
    }


def overheard_report(overheard: Overheard) -> Iterator[str]:
    """The messages, or how much came where nothing was understood."""
    if overheard.line is None:
        heard = {line: count for line, count in overheard.octets.items() if count}
        yield "nothing was heard" if not heard else "heard, and not understood:"
        yield from (f"  {line}: {count} octets" for line, count in heard.items())
        return
    yield f"heard at {overheard.line}: {overheard.language}"
    yield from listing(overheard.items, octets=False)


def overheard_json(overheard: Overheard) -> dict[str, object]:
    return {
        "port": overheard.port,
        "line": None if overheard.line is None else str(overheard.line),
        "language": str(overheard.language),
        "octets": overheard.octets,
        "items": items_json(overheard.items),
    }
