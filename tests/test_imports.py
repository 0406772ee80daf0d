"""The one-way rule of docs/architecture.md, read from the imports themselves."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
GROUND = {
    "bench_faults",
    "clock",
    "clock_evidence",
    "demo_keys",
    "devices",
    "emulation",
    "errors",
    "event_fields",
    "fault_catalogue",
    "fault_option",
    "file_model",
    "foreign_logs",
    "hosting",
    "installation",
    "invariant",
    "key_ring",
    "labgrid_place",
    "parties",
    "plain_file",
    "printable",
    "plugins",
    "power_cuts",
    "secret",
    "secret_reference",
    "operator",
    "operator_terminal",
    "shipped",
    "spelling",
    "trace",
    "trace_reading",
    "units",
    "verdict",
    "worker_process",
    "yaml_model",
    "yaml_scalar",
    "yaml_source",
}
"""Ground floor: imports the ground floor only."""

SHARED_WITH_EMULATORS = {"drivers.codecs", "drivers.profiles", "drivers.transport"}
"""Parts of the drivers that are the wire's form, not one side's: both sides use them."""

ALLOWED = {
    "ground": {"ground"},
    "mehrs": {"ground", "mehrs"},
    "journal": {"ground", "journal"},
    "safe_state": {"ground", "safe_state"},
    "effects": {"ground"},
    "observing": {"ground", "observing"},
    "settling": {"ground", "effects"},
    "migration": {"ground", "mehrs", "effects", "settling", "migration"},
    "conformance": {"ground", "mehrs", "conformance"},
    "large_checks": {"ground", "mehrs", "conformance", "large_checks"},
    "suite": {"ground", "mehrs", "effects", "migration", "suite"},
    "result": {"ground", "mehrs", "result"},
    "report": {"ground", "mehrs", "effects", "migration", "result", "report"},
    "evidence": {"ground", "mehrs", "conformance", "journal", "result", "report", "evidence"},
    "runner": {
        "ground",
        "mehrs",
        "effects",
        "settling",
        "migration",
        "conformance",
        "suite",
        "result",
        "report",
        "evidence",
        "journal",
        "safe_state",
        "runner",
    },
    "live": {"ground", "mehrs", "conformance", "result", "report", "live"},
    "farm": {"ground", "suite", "result", "report", "farm"},
    "schemas": {"ground", "mehrs", "suite", "result", "observing", "campaign", "schemas"},
    "serving": {"ground", "result", "report", "live", "serving"},
    "grid": {
        "ground",
        "mehrs",
        "effects",
        "settling",
        "migration",
        "suite",
        "report",
        "result",
        "grid",
    },
    "campaign": {
        "ground",
        "mehrs",
        "effects",
        "migration",
        "conformance",
        "large_checks",
        "suite",
        "report",
        "runner",
        "campaign",
    },
    "cli": {
        "ground",
        "mehrs",
        "effects",
        "migration",
        "conformance",
        "large_checks",
        "suite",
        "result",
        "report",
        "evidence",
        "journal",
        "safe_state",
        "observing",
        "grid",
        "runner",
        "campaign",
        "farm",
        "live",
        "serving",
        "schemas",
        "cli",
    },
    "drivers": {"ground", "drivers"},
    "emulators": {"ground", "emulators", *SHARED_WITH_EMULATORS},
}
FLOOR_OF = {
    "settling": "settling",
    "campaign": "campaign",
    "large_checks": "large_checks",
    "effects": "effects",
    "watching": "result",
    "live": "live",
    "serving": "serving",
    "observing": "observing",
    "hosting_plan": "suite",
    "journal": "journal",
    "safe_state": "safe_state",
    "suite": "suite",
    "schemas": "schemas",
    "starting": "schemas",
    "doctor": "runner",
    "station": "suite",
    "suite_checks": "suite",
    "suite_reading": "suite",
    "installation_file": "suite",
    "resubmission": "suite",
    "leaks": "ground",
    "result": "result",
    "runner": "runner",
    "order": "runner",
    "run_record": "runner",
    "reading_back": "runner",
    "run_identity": "runner",
    "scenario": "runner",
    "timekeeping": "runner",
    "farm": "farm",
    "place_lending": "runner",
    "stage_checks": "runner",
    "ledger": "runner",
    "ledger_keeping": "runner",
    "keys_left": "runner",
    "soaking": "runner",
    "supply_watch": "runner",
    "staging": "runner",
    "restoring": "runner",
    "conduct": "suite",
    "deviant_s1sps": "suite",
    "expectations": "runner",
    "acceptance": "result",
    "certificate": "result",
    "tool_identity": "ground",
    "pytest_plugin": "cli",
}


def _floor(module: str) -> str:
    parts = module.split(".")
    if parts[0] in ("drivers", "emulators"):
        shared = ".".join(parts[:2])
        return shared if shared in SHARED_WITH_EMULATORS else parts[0]
    inner = parts[1] if len(parts) > 1 else ""
    if inner in GROUND or not inner:
        return "ground"
    if inner in ("mehrs", "migration", "conformance", "report", "evidence", "grid", "cli"):
        return inner
    return FLOOR_OF[inner]


@cache
def _modules() -> tuple[tuple[str, Path], ...]:
    return tuple(_find_modules())


def _find_modules() -> Iterator[tuple[str, Path]]:
    for package in ("bench", "drivers", "emulators"):
        for path in sorted((ROOT / package).rglob("*.py")):
            if "fixtures" not in path.parts:
                module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
                yield module.removesuffix(".__init__"), path


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: relative import"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@cache
def _known() -> frozenset[str]:
    return frozenset(module for module, _ in _modules())


def _ours(name: str) -> str | None:
    """The module of this project that `name` is, or is in; None for a foreign one."""
    while name:
        if name in _known():
            return name
        name = name.rpartition(".")[0]
    return None


@pytest.mark.parametrize(("module", "path"), _modules(), ids=[module for module, _ in _modules()])
def test_imports_run_one_way(module: str, path: Path) -> None:
    floor = _floor(module)
    allowed = ALLOWED["drivers" if floor in SHARED_WITH_EMULATORS else floor]
    for name in _imports(path):
        target = _ours(name)
        if target is None or target in ("bench", module):
            continue
        got = _floor(target)
        fits = got in allowed or (got in SHARED_WITH_EMULATORS and "drivers" in allowed)
        assert fits, f"{module} ({floor}) imports {target} ({got})"


def test_the_checker_never_sees_the_engine() -> None:
    for module, path in _modules():
        if module.startswith("bench.conformance"):
            engine = ("bench.migration", "bench.mehrs.retry", "bench.effects")
            assert not [name for name in _imports(path) if name.startswith(engine)], module


def test_the_engine_never_sees_a_fault_or_the_emulation_of_one() -> None:
    """Faults live in the device, the pipe or the party."""
    for module, path in _modules():
        if module.startswith("bench.migration"):
            names = list(_imports(path))
            assert "bench.emulation" not in names, module
            assert not [name for name in names if name.startswith("emulators")], module
