"""The in-toto statement of a pack: which test result is stated about which files.

Statement v1 with the predicate "test-result" v0.1. Its words are PASSED, WARNED and FAILED; what
is inconclusive, was not run, or shows a fault of the bench is WARNED and never PASSED.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from bench.evidence.contents import INPUTS, RESULT, TRACE
from bench.evidence.derived import STRATEGIES
from bench.evidence.manifest import MANIFEST, Manifest
from bench.evidence.signing import canonical
from bench.result import RunRecord

PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"
STATEMENT_TYPE: Final = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE: Final = "https://in-toto.io/attestation/test-result/v0.1"

PASSED, WARNED, FAILED = "PASSED", "WARNED", "FAILED"

_OF_SCENARIO: Final = {"pass": PASSED, "fail": FAILED}
_OF_RULE: Final = {"passed": PASSED, "failed": FAILED, "not exercised": ""}


def statement(manifest: Manifest, record: RunRecord) -> bytes:
    """The statement's text; the same manifest and record always give the same bytes."""
    tests = dict(_tests(record))
    names = {word: [name for name, got in tests.items() if got == word] for word in _WORDS}
    return canonical(
        {
            "_type": STATEMENT_TYPE,
            "subject": [
                _described(MANIFEST, manifest.digest, record.kit),
                *(
                    _described(file.path, file.sha256, record.kit)
                    for file in manifest.files
                    if file.path in (TRACE, RESULT)
                ),
            ],
            "predicateType": PREDICATE_TYPE,
            "predicate": {
                "result": overall(record),
                "configuration": [
                    _described(file.path, file.sha256, record.kit)
                    for file in manifest.files
                    if file.path.startswith((f"{INPUTS}/", f"{STRATEGIES}/"))
                ],
                "passedTests": names[PASSED],
                "warnedTests": names[WARNED],
                "failedTests": names[FAILED],
            },
        }
    )


_WORDS: Final = (PASSED, WARNED, FAILED)


def overall(record: RunRecord) -> str:
    """FAILED if a scenario or a certificate failed; PASSED only if everything passed."""
    verdicts = [record.verdict, *(certificate.verdict for certificate in record.certificates)]
    words = {got for _, got in _tests(record)}
    if FAILED in words or "fail" in verdicts:
        return FAILED
    everything = words == {PASSED} and set(verdicts) == {"pass"} and not record.stopped
    return PASSED if everything else WARNED


def _tests(record: RunRecord) -> Iterator[tuple[str, str]]:
    """Scenarios, and the rules of each certificate, with their words."""
    for scenario in record.scenarios:
        word = WARNED if scenario.not_run else _OF_SCENARIO.get(scenario.verdict, WARNED)
        yield f"{record.kit}: scenario {scenario.name}", word
    for certificate in record.certificates:
        for rule in certificate.rules:
            word = _OF_RULE.get(rule.verdict, WARNED)
            if word:
                yield f"{record.kit}: {certificate.strategy.label}: {rule.rule}", word


def _described(name: str, sha256: str, kit: str) -> dict[str, Any]:
    return {"name": name, "digest": {"sha256": sha256}, "annotations": {"evidence": kit}}
