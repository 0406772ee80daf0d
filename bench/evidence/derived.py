"""What a pack holds besides the run's own files, all of it worked out from them.

Whoever has the same version of the bench can work it out again, so `verify` believes none of it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench.errors import UsageError
from bench.evidence.chain import chain_text
from bench.evidence.contents import TRACE
from bench.evidence.signing import canonical
from bench.mehrs.loader import document_text, load_document
from bench.result import RunRecord, StrategyRecord

if TYPE_CHECKING:
    from bench.report.trace_lines import TraceLines

CHAIN: Final = "trace.chain"
REQUIREMENTS: Final = "requirements.csv"
DEVIATIONS: Final = "deviations.json"
STRATEGIES: Final = "strategy"


def derived_files(folder: Path, record: RunRecord, trace: TraceLines) -> dict[str, bytes]:
    """By name: the reports, the requirement matrix, the deviations, the strategies, the chain.

    Raises `UsageError` where the folder's files are faulty.
    """
    from bench.report.deviations import deviations_json
    from bench.report.render import rendered
    from bench.report.requirements import requirements_csv

    return {
        **rendered(folder),
        REQUIREMENTS: requirements_csv(record).encode("utf-8-sig"),
        DEVIATIONS: canonical(deviations_json(record, trace)),
        CHAIN: chain_text((folder / TRACE).read_bytes()),
        **strategy_files(record),
    }


def strategy_files(record: RunRecord) -> dict[str, bytes]:
    """Each version that judged, as the text whose SHA-256 the result names.

    A version that this bench does not hold in the same content is left out.
    """
    texts: dict[str, bytes] = {}
    for strategy in strategies_of(record):
        for kind, version in versions_of(strategy):
            try:
                document = load_document(kind.upper(), version)
            except UsageError:
                continue
            if document.digest == strategy.hashes.get(kind):
                texts[strategy_file(kind, version)] = document_text(document).encode()
    return texts


def strategies_of(record: RunRecord) -> list[StrategyRecord]:
    """Every strategy that judged, once."""
    return list(
        {scenario.strategy.key: scenario.strategy for scenario in record.scenarios}.values()
    )


def versions_of(strategy: StrategyRecord) -> tuple[tuple[str, str], ...]:
    return (("mehrs", strategy.mehrs), ("mam", strategy.mam))


def strategy_file(kind: str, version: str) -> str:
    return f"{STRATEGIES}/{kind}-{version}.json"
