"""Makes a pack of a run's folder: one file, the same bytes for the same run and key."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from bench.errors import UsageError
from bench.evidence.archive import unfold, written
from bench.evidence.chain import heads
from bench.evidence.contents import TRACE, run_files
from bench.evidence.derived import derived_files
from bench.evidence.judging import differences, held_strategies
from bench.evidence.manifest import (
    ATTESTATION,
    KEY,
    MANIFEST,
    STATEMENT,
    Amends,
    Manifest,
    manifest_for,
)
from bench.evidence.signing import Signer, enveloped
from bench.evidence.statement import PAYLOAD_TYPE, overall, statement
from bench.result import read_result
from bench.tool_identity import tool_commit, tool_version


@dataclass(frozen=True, slots=True)
class Packed:
    """A pack as it was made. `result` is the in-toto word: PASSED, WARNED or FAILED."""

    content: bytes
    manifest: Manifest
    left_out: tuple[str, ...]
    result: str


def pack(folder: Path, signer: Signer | None = None, amends: Amends | None = None) -> Packed:
    """The pack of a run's folder; writes nothing.

    Raises `UsageError` where the folder is no run, or holds a result that does not follow from
    its trace.
    """
    found = run_files(folder)
    with tempfile.TemporaryDirectory(prefix="smets1-bench-") as scratch:
        files = {**found.packed, **_derived(Path(scratch), found.packed)}
        record = read_result(Path(scratch))
    if signer is not None:
        files[KEY] = signer.verifier.pem()
    line_heads = heads(files[TRACE])
    manifest = manifest_for(
        record,
        files,
        tool=tool_version(),
        commit=tool_commit(),
        lines=len(line_heads),
        head=line_heads[-1] if line_heads else "",
        amends=amends,
    )
    stated = statement(manifest, record)
    if signer is None:
        outside = {STATEMENT: stated}
    else:
        outside = {ATTESTATION: enveloped(PAYLOAD_TYPE, stated, signer).text()}
    content = written({**files, MANIFEST: manifest.text(), **outside})
    return Packed(content, manifest, found.left_out, overall(record))


def _derived(folder: Path, files: dict[str, bytes]) -> dict[str, bytes]:
    """What follows from the very bytes that are packed, whatever happens to the run's folder."""
    from bench.report.trace_lines import read_lines

    unfold(files, folder)
    record = read_result(folder)
    trace = read_lines(folder, record)
    strategies, _ = held_strategies(record, folder)
    wrong = list(differences(record, trace, files[TRACE].count(b"\n"), strategies))
    if wrong:
        raise UsageError(
            [f"result.json: {sentence}" for sentence in wrong],
            hint="run the suite again: evidence is not made of a result that was changed",
        )
    return derived_files(folder, record, trace)
