"""`make prove`: the long evidence. Runs what is too long for CI and writes docs/evidence.md.

Each part is a command anyone can type; its figures are copied from what it printed.
"""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

ROOT = Path(__file__).parent.parent
TARGET = ROOT / "docs" / "evidence.md"
MUTANTS = "150"
WIRE_SCHEDULES = "200"
DEVIANT_SEEDS = ("1000", "10")
EXAMPLES = "500"
LATE_CASES = "5000"
MATRIX_CASES = "300"
TAMPERINGS = "10000"
DAMAGES = "10000"
DEATHS = "10000"
KILLS = "5000"
KILL_WORKERS = "8"
INSTALLATIONS = "1000000"


def prove(only: Sequence[str] = ()) -> int:
    """Runs every part, or those named; returns how many failed. Sections of others stay."""
    parts = {part.__name__.removeprefix("_").replace("_", "-"): part for part in PARTS}
    unknown = [name for name in only if name not in parts]
    if unknown:
        print(f"no part is called {', '.join(unknown)}; there are {', '.join(parts)}")
        return len(unknown)
    sections = dict(_written())
    failed = 0
    for name in only or parts:
        began = time.monotonic()
        title, command, good, figures = parts[name]()
        failed += not good
        took = time.monotonic() - began
        verdict = "held" if good else "**did not hold**"
        sections[title] = f"`{command}` — {verdict}, {took:.0f} s\n\n{figures}\n"
        print(f"{title}: {verdict} ({took:.0f} s)", flush=True)
        _write(sections)
    return failed


def _written() -> Iterator[tuple[str, str]]:
    """The sections of the last time, by title."""
    text = TARGET.read_text(encoding="utf-8") if TARGET.exists() else ""
    for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        title, _, body = section.partition("\n\n")
        yield title, body.strip("\n") + "\n"


def _write(sections: Mapping[str, str]) -> None:
    head = (
        "# Evidence\n\nWritten by `make prove` on Python "
        f"{platform.python_version()}, {platform.machine()}; one part of it by "
        "`python -m tests.prove PART`. Emulated kit only.\n\n"
    )
    told = [f"## {title}\n\n{body}" for title, body in sections.items()]
    TARGET.write_text(head + "\n".join(told), encoding="utf-8")


def _run(words: list[str], **env: str) -> tuple[bool, str]:
    done = subprocess.run(
        words, cwd=ROOT, capture_output=True, text=True, env={**os.environ, **env}
    )
    if done.returncode:
        print(done.stdout[-3000:], done.stderr[-3000:], sep="\n")
    return done.returncode == 0, done.stdout


def _large_checks() -> tuple[str, str, bool, str]:
    good, out = _run([sys.executable, "tests/large_checks", MUTANTS])
    return (
        "Large checks against the streaming form",
        f"python tests/large_checks {MUTANTS}",
        good,
        "Mutants of every trace, interleaved, as JSON lines and as Parquet, sorted and not, in two"
        f" processes: {out.strip()}",
    )


def _trace_mutants() -> tuple[str, str, bool, str]:
    good, out = _run([sys.executable, "tests/mutants", MUTANTS])
    table = out.strip()
    return (
        "Trace mutants: kill rate per rule",
        f"python tests/mutants {MUTANTS}",
        good,
        "Passing traces with events shifted, dropped, doubled, swapped and relabelled; whether a "
        f"mutant breaks a rule is said by a naive predicate per rule.\n\n```\n{table}\n```",
    )


def _engine_mutants() -> tuple[str, str, bool, str]:
    good, out = _run([sys.executable, "-m", "pytest", "-q", "-rA", "tests/engine_mutants"])
    caught = re.findall(r"^PASSED .*::test_the_suite_catches_the_mutant\[(.+)\]", out, re.MULTILINE)
    listed = "\n".join(f"- {name}" for name in caught)
    return (
        "Engine mutants: each turns the default suite red",
        "pytest tests/engine_mutants",
        good and bool(caught),
        f"{len(caught)} mutants of the real engine, all caught:\n\n{listed}",
    )


def _deviants() -> tuple[str, str, bool, str]:
    good, out = _run([sys.executable, "-m", "tests.deviants", *DEVIANT_SEEDS])
    return (
        "Deviants: every bad device and S1SP through every suite; good ones by seeds",
        f"python -m tests.deviants {' '.join(DEVIANT_SEEDS)}",
        good,
        out.strip(),
    )


def _faults(*words: str) -> tuple[bool, str]:
    with tempfile.TemporaryDirectory() as folder:
        command = [str(Path(sys.executable).with_name("smets1-bench")), "faults", *words]
        good, out = _run([*command, "--out", folder])
    return good, "\n".join(line for line in out.splitlines() if not line.startswith("heat map"))


def _grid() -> tuple[str, str, bool, str]:
    good, out = _faults()
    return (
        "The fault grid: every single fault, seeded pairs, every schedule of message fates",
        "smets1-bench faults",
        good,
        f"Each end is judged by the emulator's truth (docs/grid.md).\n\n```\n{out}\n```",
    )


def _grid_on_the_wire() -> tuple[str, str, bool, str]:
    words = ("--via", "emu:", "--part", "schedules", "--part", "acts", "--sample", WIRE_SCHEDULES)
    good, out = _faults(*words)
    return (
        "The fault grid through the drivers, in octets, sampled",
        f"smets1-bench faults {' '.join(words)}",
        good,
        f"```\n{out}\n```",
    )


def _grid_mutants() -> tuple[str, str, bool, str]:
    words = [sys.executable, "-m", "pytest", "-q", "-s", "tests/grid/test_red.py"]
    good, out = _run(words, SMETS1_BENCH_FATES="3")
    told = [line.lstrip(".") for line in out.splitlines() if " runs red: " in line]
    return (
        "Engine mutants: each turns the fault grid red",
        "SMETS1_BENCH_FATES=3 pytest -s tests/grid/test_red.py",
        good and bool(told),
        "The first two through every schedule of up to three message fates over one meter's key, "
        "the others until they have shown as many red runs as their test asks for.\n\n"
        + "\n".join(f"- {line}" for line in told),
    )


def _campaign() -> tuple[str, str, bool, str]:
    words = ("campaign", "--installations", INSTALLATIONS, "--workers", "2")
    with tempfile.TemporaryDirectory() as folder:
        command = [str(Path(sys.executable).with_name("smets1-bench")), *words]
        good, out = _run([*command, "--out", folder])
        told = out.replace(folder, "DIR").strip()
    return (
        "A million installations, each judged",
        f"smets1-bench {' '.join(words)}",
        good,
        f"```\n{told}\n```",
    )


def _fuzz() -> tuple[str, str, bool, str]:
    good, out = _run(
        [sys.executable, "-m", "pytest", "-q", "-k", "fuzz or any", "tests/codecs"],
        SMETS1_BENCH_EXAMPLES=EXAMPLES,
    )
    return (
        "Codecs: any bytes in any slices",
        f"SMETS1_BENCH_EXAMPLES={EXAMPLES} pytest -k 'fuzz or any' tests/codecs",
        good,
        out.strip().splitlines()[-1],
    )


def _tamperings() -> tuple[str, str, bool, str]:
    good, out = _run([sys.executable, "-m", "tests.evidence.tampering", TAMPERINGS])
    return (
        "Evidence packs: tamperings found",
        f"python -m tests.evidence.tampering {TAMPERINGS}",
        good,
        "What `verify --key` says of a signed pack that was tampered with; unproven means that it "
        f"is whole but nobody's signature is on it any more.\n\n```\n{out.strip()}\n```",
    )


def _secrets() -> tuple[str, str, bool, str]:
    """The whole default suite over lines, and a port that dies at every eighth write."""
    writes = " ".join(map(str, range(2, 136, 8)))
    good, out = _run(
        [sys.executable, "-m", "pytest", "-q", "tests/test_secrets_in_output.py"],
        SMETS1_BENCH_SCENARIOS="all",
        SMETS1_BENCH_WRITES=writes,
    )
    return (
        "No key byte in anything a run leaves behind, nor in a failure that pytest prints",
        "SMETS1_BENCH_SCENARIOS=all pytest tests/test_secrets_in_output.py",
        good,
        out.strip().splitlines()[-1],
    )


def _wire() -> tuple[str, str, bool, str]:
    """Late answers, bad lines and pulled ports: every driver, every condition, every octet."""
    cases = {
        "SMETS1_BENCH_LATE_CASES": LATE_CASES,
        "SMETS1_BENCH_MATRIX_CASES": MATRIX_CASES,
        "SMETS1_BENCH_UNPLUGGED": "1",
    }
    files = [
        *("tests/drivers/test_late_reply.py", "tests/drivers/test_dlms_late_reply.py"),
        *("tests/transport/test_matrix.py", "tests/transport/test_unplugged.py"),
    ]
    good, out = _run([sys.executable, "-m", "pytest", "-q", "-n", "auto", *files], **cases)
    settings = " ".join(f"{name}={value}" for name, value in cases.items())
    return (
        "The wire: late answers, bad lines, pulled ports",
        f"{settings} pytest -n auto {' '.join(files)}",
        good,
        f"{LATE_CASES} seeded conversations for each protocol with answers late or never; "
        f"{MATRIX_CASES} for each driver and condition of the transport matrix; every call of "
        f"every driver with the port pulled after each octet: {out.strip().splitlines()[-1]}",
    )


def _damaged_journals() -> tuple[str, str, bool, str]:
    good, out = _run([sys.executable, "-m", "tests.journal.damage", DAMAGES])
    return (
        "Journal cut or bit-flipped: an exact prefix that lacks nothing durable, or refused",
        f"python -m tests.journal.damage {DAMAGES}",
        good and "WRONG" not in out,
        f"```\n{out.rstrip()}\n```",
    )


def _deaths() -> tuple[str, str, bool, str]:
    good, out = _run([sys.executable, "-m", "tests.journal.deaths", DEATHS])
    return (
        "A bench that dies anywhere, in virtual time, goes on where it was",
        f"python -m tests.journal.deaths {DEATHS}",
        good,
        out.strip(),
    )


def _kills() -> tuple[str, str, bool, str]:
    """Real time with an overlay of second-scale intervals; devices in another process."""
    lines, held = [], True
    for story in ("rotation", "retry"):
        for how in ("every", KILLS):
            words = [sys.executable, "-m", "tests.journal.lineage", story, how, KILL_WORKERS]
            good, out = _run(words)
            held = held and good
            lines.append(f"- {out.strip()}")
    return (
        "`kill -9` on real processes, at every write of the journal and at random moments",
        f"python -m tests.journal.lineage rotation|retry every|{KILLS} {KILL_WORKERS}",
        held,
        "Devices in another process that outlives the kills, keeps its state and counts what it "
        "executed; real time, an overlay of second-scale intervals.\n\n" + "\n".join(lines),
    )


def _wheel() -> tuple[str, str, bool, str]:
    """The wheel with its dependencies, in an environment that holds nothing else."""
    with tempfile.TemporaryDirectory() as folder:
        steps = (
            [sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", folder, "."],
            [sys.executable, "-m", "venv", f"{folder}/venv"],
            [f"{folder}/venv/bin/pip", "install", "-q", "-c", "constraints.txt", "WHEEL"],
            [f"{folder}/venv/bin/smets1-bench", "run", "--out", f"{folder}/out"],
        )
        good, out = True, ""
        for step in steps:
            wheel = next((str(path) for path in Path(folder).glob("*.whl")), "")
            good, out = _run([wheel if word == "WHEEL" else word for word in step])
            if not good:
                break
    verdict = next((line for line in out.splitlines() if line.startswith("EMULATED")), "")
    return (
        "The wheel in an empty virtual environment runs the default suite",
        "pip install dist/smets1_bench-*.whl && smets1-bench run",
        good,
        f"`{verdict}`",
    )


def _relay_acts() -> tuple[str, str, bool, str]:
    words = [sys.executable, "-m", "pytest", "-q", "-s", "tests/grid/test_relay_act.py"]
    good, out = _run(words, SMETS1_BENCH_FATES="3")
    told = next((line for line in out.splitlines() if "schedules of" in line), "")
    return (
        "Relay acts: every schedule of message fates over Modbus, judged by the meter's own mains",
        "SMETS1_BENCH_FATES=3 pytest -s tests/grid/test_relay_act.py",
        good,
        f"{told}. `RelayStuck` and the other errors say that it is not known, or not so.",
    )


def _both_clocks() -> tuple[str, str, bool, str]:
    good, out = _run(
        [sys.executable, "-m", "pytest", "-q", "-s", "tests/e2e/test_real_and_virtual_time.py"],
        SMETS1_BENCH_REAL_TIME="5",
    )
    told = [line for line in out.splitlines() if line.startswith("lateness")]
    return (
        "The same suite in real time on devices of another process, and in virtual time",
        "SMETS1_BENCH_REAL_TIME=5 pytest -s tests/e2e/test_real_and_virtual_time.py",
        good,
        "Equal event sequences but for their times, an overlay of second-scale intervals.\n\n"
        + "\n".join(f"- {line}" for line in told),
    )


PARTS: Final = (
    _trace_mutants,
    _large_checks,
    _engine_mutants,
    _deviants,
    _fuzz,
    _wire,
    _tamperings,
    _secrets,
    _damaged_journals,
    _deaths,
    _kills,
    _both_clocks,
    _relay_acts,
    _grid,
    _grid_on_the_wire,
    _grid_mutants,
    _campaign,
    _wheel,
)

if __name__ == "__main__":
    sys.exit(min(prove(sys.argv[1:]), 1))
