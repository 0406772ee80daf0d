"""The terminal's report: a table of scenarios, then what was shown. Plain, fit for a ticket."""

from __future__ import annotations

import os
import shutil
import textwrap
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TextIO

from bench.printable import printable
from bench.report.certificate import Block, blocks, rests_on
from bench.report.marks import PLAIN_SYMBOLS, SYMBOLS, verdict_of
from bench.report.spoken import count, length_of, rough
from bench.result import RunRecord, ScenarioRecord

NARROWEST: Final = 60
WIDEST: Final = 120
_SHORTEST_NAME: Final = 16
_NAMES: Final = 8
_DIGEST: Final = len("sha256:") + 16
"""Of a digest; the report and result.json have all of it."""

_SGR: Final = {
    "pass": "32",
    "fail": "31;1",
    "failed": "31;1",
    "bench-error": "31;1",
    "inconclusive": "33",
    "not run": "2",
}


@dataclass(frozen=True, slots=True)
class Terminal:
    """What the reader's terminal can show. Without `colour` nothing is lost."""

    width: int = 100
    colour: bool = False
    unicode: bool = True

    @classmethod
    def of(cls, stream: TextIO) -> Terminal:
        """Plain and 100 wide unless the stream is a terminal; NO_COLOR is honoured."""
        encoding = (getattr(stream, "encoding", None) or "ascii").lower()
        can = encoding.replace("-", "").startswith("utf")
        if not stream.isatty():
            return cls(unicode=can)
        width = shutil.get_terminal_size((100, 24)).columns
        return cls(width, not os.environ.get("NO_COLOR"), can)


def report_text(record: RunRecord, terminal: Terminal, report: str = "") -> str:
    """Table, certificates, caught deviations and the report's path; ends with a line end."""
    return "\n".join(_Text(record, terminal).lines(report)) + "\n"


class _Text:
    def __init__(self, record: RunRecord, terminal: Terminal) -> None:
        self._record = record
        self._terminal = terminal
        self._width = max(NARROWEST, min(terminal.width, WIDEST))
        self._symbols = SYMBOLS if terminal.unicode else PLAIN_SYMBOLS

    def lines(self, report: str) -> Iterator[str]:
        yield from self._table()
        yield ""
        yield self._summary()
        yield from self._wrapped(rests_on(self._record), "")
        # The certificate that most scenarios stand behind in full, the others in a line.
        main = self._main_strategy()
        others = []
        for block in blocks(self._record):
            if block.certificate.strategy.key == main:
                yield ""
                yield from self._certificate(block)
            else:
                others.append(block)
        if others:
            yield ""
            yield "Certificates under other strategies (the report has them in full)"
            for block in others:
                yield from self._wrapped(_one_line(block), "  ")
        if self._record.caught:
            yield ""
            yield "Caught deviations (scenarios that deviate on purpose; not on the certificate)"
            for name, what in self._record.caught:
                yield from self._wrapped(f"{name}: {what}", "  ")
        if report:
            yield ""
            yield f"report: {report}"

    def _main_strategy(self) -> str:
        used = Counter(s.strategy.key for s in self._record.scenarios if not s.deviant)
        return max(used, key=used.__getitem__, default="")

    def _verdict(self, verdict: str, width: int = 0) -> str:
        text = f"{self._symbols.get(verdict, ' ')} {verdict}".ljust(width)
        return self._coloured(verdict, text)

    def _coloured(self, verdict: str, text: str) -> str:
        code = _SGR.get(verdict) if self._terminal.colour else None
        return f"\x1b[{code}m{text}\x1b[0m" if code else text

    def _table(self) -> Iterator[str]:
        rows = [_cells(scenario) for scenario in self._record.scenarios]
        span = "simulated" if self._record.clock == "virtual" else "took"
        heads = ("scenario", "group", "verdict", "outcome", "attempts", span)
        fixed = [
            max(cells_wide(row[index]) + (2 if index == 2 else 0) for row in [heads, *rows])
            for index in range(1, len(heads))
        ]
        gaps = 2 * len(fixed)
        longest = max(cells_wide(row[0]) for row in [heads, *rows])
        name = max(_SHORTEST_NAME, min(longest, self._width - sum(fixed) - gaps))
        yield self._row(heads, name, fixed)
        rule = "─" if self._terminal.unicode else "-"
        yield rule * min(self._width, name + sum(fixed) + gaps)
        for scenario, row in zip(self._record.scenarios, rows, strict=True):
            yield self._row(row, name, fixed)
            if not scenario.not_run and scenario.verdict != "pass":
                for mismatch in scenario.mismatches:
                    yield from self._wrapped(mismatch, "    ")
                yield f"    replay: {printable(scenario.replay)}"
            elif scenario.not_run:
                yield from self._wrapped(scenario.not_run, "    ")

    def _row(self, cells: Sequence[str], name: int, fixed: Sequence[int]) -> str:
        group, verdict, outcome, attempts, simulated = cells[1:]
        shown = f"{self._symbols.get(verdict, ' ')} {verdict}"
        return "  ".join(
            (
                _left(_cut(cells[0], name, self._terminal.unicode), name),
                _left(group, fixed[0]),
                self._coloured(verdict, _left(shown, fixed[1])),
                _left(outcome, fixed[2]),
                attempts.rjust(fixed[3]),
                simulated.rjust(fixed[4]),
            )
        ).rstrip()

    def _summary(self) -> str:
        record = self._record
        counted: dict[str, int] = {}
        for scenario in record.scenarios:
            counted[verdict_of(scenario)] = counted.get(verdict_of(scenario), 0) + 1
        parts = ", ".join(f"{number} {verdict}" for verdict, number in counted.items())
        stopped = f"stopped by {record.stopped}; " if record.stopped else ""
        return (
            f"{record.kit}  suite {printable(record.suite)}: {self._verdict(record.verdict)}"
            f"  ({stopped}{count(len(record.scenarios), 'scenario')}: {parts or 'none'})"
        )

    def _certificate(self, block: Block) -> Iterator[str]:
        certificate = block.certificate
        strategy = certificate.strategy
        overlay = "" if strategy.overlay else ", no overlay"
        yield (
            f"Certificate {printable(strategy.label)}{overlay}: "
            f"{self._verdict(certificate.verdict)}  {self._record.kit}"
        )
        if certificate.why:
            yield from self._wrapped(f"because: {certificate.why}", "  ")
        digests = (f"{name} {digest[:_DIGEST]}" for name, digest in strategy.hashes.items())
        yield from self._wrapped("  ".join(digests), "  ")
        for verdict, rules in block.by_verdict.items():
            if not rules and verdict != "failed":
                continue
            head = f"  {self._verdict(verdict, 16)} {len(rules):>3}"
            if verdict in ("failed", "inconclusive"):
                yield head
                for line in rules:
                    why = f": {line.reason}" if line.reason else ""
                    yield from self._wrapped(f"{line.rule.rule}: {verdict}{why}", "      ")
            else:
                indent = " " * 24
                wrapped = self._wrapped(_shortened([line.rule.rule for line in rules]), indent)
                yield f"{head}  {wrapped[0].strip()}"
                yield from wrapped[1:]

    def _wrapped(self, text: str, indent: str) -> list[str]:
        return textwrap.wrap(
            printable(text) if self._terminal.unicode else _ascii(printable(text)),
            self._width,
            initial_indent=indent,
            subsequent_indent=indent,
            break_on_hyphens=False,
        )


def _one_line(block: Block) -> str:
    certificate = block.certificate
    counts = ", ".join(
        f"{len(rules)} {verdict}" for verdict, rules in block.by_verdict.items() if rules
    )
    return f"{certificate.strategy.label}: {certificate.verdict} ({counts})"


def _shortened(names: Sequence[str]) -> str:
    """The names, or the first of them and how many more: the report names them all."""
    if len(names) <= _NAMES:
        return ", ".join(names)
    return ", ".join(names[: _NAMES - 1]) + f" and {len(names) - _NAMES + 1} more"


def _cells(scenario: ScenarioRecord) -> tuple[str, ...]:
    verdict = verdict_of(scenario)
    length = None if scenario.not_run else length_of(scenario.started, scenario.ended)
    return (
        printable(scenario.name),
        printable(scenario.group),
        verdict,
        printable(scenario.outcome) or "-",
        "-" if scenario.attempts is None or scenario.not_run else str(scenario.attempts),
        "-" if length is None else rough(length),
    )


def cells_wide(text: str) -> int:
    """How many cells of a terminal the text takes."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
    )


def _left(text: str, width: int) -> str:
    return text + " " * (width - cells_wide(text))


def _cut(text: str, width: int, unicode: bool) -> str:
    if cells_wide(text) <= width:
        return text
    mark = "…" if unicode else "~"
    while cells_wide(text) > width - 1:
        text = text[:-1]
    return text + mark


def _ascii(text: str) -> str:
    return text.encode("ascii", "replace").decode()
