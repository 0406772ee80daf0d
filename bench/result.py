"""What a run found out: the record that `result.json` holds and every report is rendered from.

Recorded once, rendered many times. Times are RFC 3339 in the file and microseconds inside. The
file's form is described in docs/result.md; `format` is raised when it changes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from bench.errors import UsageError
from bench.mehrs.strategy import Strategy
from bench.verdict import Verdict

FORMAT: Final = 1

UNHEARD: Final = "UNHEARD"
"""The stamp of a run on ports in which no device was heard."""

RULE_VERDICTS: Final = ("failed", "inconclusive", "passed", "not exercised", "not run")
"""What can be said of a rule on a certificate, worst first."""


@dataclass(frozen=True, slots=True)
class StrategyRecord:
    """Which strategy judged, named so that nobody can mix it up with another."""

    mehrs: str
    mam: str
    overlay: str | None
    hashes: dict[str, str]

    @property
    def label(self) -> str:
        overlay = f" with overlay {self.overlay}" if self.overlay else ""
        return f"MEHRS {self.mehrs}, MAM {self.mam}{overlay}"

    @property
    def key(self) -> str:
        """Tells strategies apart by content: its hashes, in a fixed order."""
        return " ".join(f"{name}={digest}" for name, digest in sorted(self.hashes.items()))


@dataclass(frozen=True, slots=True)
class ParameterRecord:
    """A parameter as the run went by it, so that a report can be drawn without the strategy.

    `value` is microseconds for a duration, a number for a count, the reading's name for a choice.
    Where `status` is `unsourced` it is the placeholder.
    """

    value: int | str
    status: str
    source: str


@dataclass(frozen=True, slots=True)
class RuleRecord:
    """One rule's verdict, with the status it rests on and where it is stated."""

    rule: str
    section: str
    title: str
    status: str
    source: str
    verdict: str
    scenarios: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DeviceRecord:
    """A device as it was read back when the scenario began; `identity` empty: it did not answer.

    `emulated`: by what it said of itself, whatever port it is on.
    """

    name: str
    role: str
    identity: dict[str, str]
    keys: dict[str, str]
    emulated: bool


@dataclass(frozen=True, slots=True)
class InstrumentRecord:
    """A measuring instrument of the bench, as the station file has it, and the device it measures.

    `due` is a date (2026-11-22) by which it had to be calibrated again; `uncertainty` expanded
    (k=2), relative to the reading. Without a calibration all four are empty.
    """

    name: str
    measures: str
    serial_number: str = ""
    certificate: str = ""
    due: str = ""
    uncertainty: str = ""


@dataclass(frozen=True, slots=True)
class OperatorRecord:
    """A question to the person at the bench, and what came back; `answer` empty: nothing in time.

    `step`: `before` or `after`; `at` on the run's clock.
    """

    step: str
    asked: str
    answer: str
    by: str
    at: str


@dataclass(frozen=True, slots=True)
class ScenarioRecord:
    """One scenario: what was expected, what happened, what the checker says, how to see it again.

    `verdict` is the scenario's own: pass means that what it expects is what happened. `mismatches`
    are sentences "expected …, got …". `first_line`/`last_line` are its lines in `trace.jsonl`,
    from 1, both included; both 0 where nothing was traced. `not_run` says why it was not run; then
    `verdict`, `outcome` and both times are empty. `attempts` counts its `attempt` events.
    `unknown`: sentences about what nobody can know of real kit; with one of them it cannot pass.
    `operator`: what was asked at the bench.
    """

    name: str
    suite: str
    about: str
    covers: tuple[str, ...]
    group: str
    strategy: StrategyRecord
    verdict: str
    mismatches: tuple[str, ...]
    deviant: str
    outcome: str
    passages: int
    gave_up: bool
    started: str
    ended: str
    first_line: int
    last_line: int
    rules: dict[str, dict[str, int]]
    findings: tuple[dict[str, Any], ...]
    devices: tuple[DeviceRecord, ...]
    account: str
    keys: dict[str, str]
    wake_ups: int
    faults: tuple[str, ...]
    replay: str
    not_run: str = ""
    story: tuple[str, ...] = ()
    attempts: int | None = None
    unknown: tuple[str, ...] = ()
    operator: tuple[OperatorRecord, ...] = ()


@dataclass(frozen=True, slots=True)
class Certificate:
    """What was shown about the installations under one strategy, deviant scenarios left out.

    `why` says in a sentence what the verdict rests on; empty where it passed.
    """

    strategy: StrategyRecord
    verdict: str
    rules: tuple[RuleRecord, ...]
    why: str = ""


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A whole run. `verdict` is the worst scenario's; `certificates` say what was shown.

    `stopped` says by what signal a run was stopped; such a run never passes. `parameters` holds
    those of every strategy that judged, by `StrategyRecord.key`; `caught` names the deviant
    scenarios whose deviation was seen, and what was seen.
    """

    suite: str
    station: str
    kit: str  # EMULATED, REAL, MIXED or UNHEARD: stamped wherever the record is shown
    clock: str
    seed: int
    tool: str
    commit: str
    started: str
    verdict: str
    scenarios: tuple[ScenarioRecord, ...]
    certificates: tuple[Certificate, ...]
    format: int = FORMAT
    caught: tuple[tuple[str, str], ...] = field(default_factory=tuple)
    stopped: str = ""
    parameters: dict[str, dict[str, ParameterRecord]] = field(default_factory=dict)
    tolerance_s: float = 60
    instruments: tuple[InstrumentRecord, ...] = ()

    @property
    def worst(self) -> Verdict:
        return Verdict[self.verdict.upper().replace("-", "_")]


def kit_of(devices: Iterable[DeviceRecord]) -> str:
    """What a record rests on, by what every device said of itself; empty: there is none.

    A device that did not say is taken for neither, and makes nothing real of what is emulated.
    """
    said = {None if not each.emulated and not each.identity else each.emulated for each in devices}
    if not said:
        return ""
    if True in said and False not in said:
        return "EMULATED"
    return "REAL" if said == {False} else "MIXED"


def parameters_of(strategy: Strategy) -> dict[str, ParameterRecord]:
    """What the runner records of a strategy's parameters, placeholders included."""
    return {
        name: ParameterRecord(
            parameter.running_value, parameter.status.value, str(parameter.source)
        )
        for name, parameter in strategy.parameters.items()
    }


def to_json(record: RunRecord) -> str:
    """The text of `result.json`: the same record always gives the same bytes."""
    return json.dumps(asdict(record), ensure_ascii=False, indent=1) + "\n"


def read_result(folder: Path) -> RunRecord:
    """Reads `result.json` of a run's folder. `UsageError`: it is missing or not ours."""
    path = folder / "result.json"
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["format"] != FORMAT:
            raise UsageError(f"{path}: expected format {FORMAT}, got {data['format']!r}")
        return _run_record(data)
    except FileNotFoundError:
        raise UsageError(
            f"{path}: no such file",
            hint="name the folder that `smets1-bench run --out DIR` wrote",
        ) from None
    except (OSError, ValueError, KeyError, TypeError, MemoryError, RecursionError) as error:
        raise UsageError(
            f"{path}: expected a result of this bench, got something else ({error})"
        ) from None


def _strategy(data: dict[str, Any]) -> StrategyRecord:
    return StrategyRecord(**data)


def _run_record(data: dict[str, Any]) -> RunRecord:
    scenarios = tuple(
        ScenarioRecord(
            **{
                **entry,
                "strategy": _strategy(entry["strategy"]),
                "devices": tuple(DeviceRecord(**device) for device in entry["devices"]),
                **{
                    name: tuple(entry[name])
                    for name in ("covers", "mismatches", "findings", "faults", "story")
                },
                "unknown": tuple(entry.get("unknown", ())),
                "operator": tuple(OperatorRecord(**each) for each in entry.get("operator", ())),
            }
        )
        for entry in data["scenarios"]
    )
    certificates = tuple(
        Certificate(
            _strategy(entry["strategy"]),
            entry["verdict"],
            tuple(
                RuleRecord(**{**rule, "scenarios": tuple(rule["scenarios"])})
                for rule in entry["rules"]
            ),
            entry.get("why", ""),
        )
        for entry in data["certificates"]
    )
    caught = tuple((name, what) for name, what in data["caught"])
    parameters = {
        key: {name: ParameterRecord(**entry) for name, entry in held.items()}
        for key, held in data.get("parameters", {}).items()
    }
    return RunRecord(
        **{
            **data,
            "scenarios": scenarios,
            "certificates": certificates,
            "caught": caught,
            "parameters": parameters,
            "instruments": tuple(InstrumentRecord(**each) for each in data.get("instruments", ())),
        }
    )
