"""The list of a pack: every file with its size and hash, and what the whole is about.

`manifest.json` covers every member but itself and the statement that names its hash.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Final

from bench.evidence.archive import may_be_packed
from bench.evidence.signing import canonical
from bench.result import RunRecord

FORMAT: Final = 1

MANIFEST: Final = "manifest.json"
STATEMENT: Final = "statement.json"
ATTESTATION: Final = "attestation.dsse.json"
KEY: Final = "signing-key.pub"

OUTSIDE: Final = frozenset({MANIFEST, STATEMENT, ATTESTATION})
"""Members that the manifest does not list."""


@dataclass(frozen=True, slots=True)
class PackedFile:
    path: str
    size: int
    sha256: str

    @classmethod
    def of(cls, path: str, content: bytes) -> PackedFile:
        return cls(path, len(content), hashlib.sha256(content).hexdigest())


@dataclass(frozen=True, slots=True)
class Amends:
    """An earlier pack that this one amends: the hash of its manifest, and why."""

    manifest: str
    reason: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """`head` is that of the trace's chain after `lines` lines (`bench.evidence.chain`)."""

    evidence: str
    suite: str
    station: str
    verdict: str
    started: str
    tool: str
    commit: str
    lines: int
    head: str
    files: tuple[PackedFile, ...]
    amends: Amends | None = None
    format: int = FORMAT

    def text(self) -> bytes:
        return canonical(asdict(self))

    @property
    def digest(self) -> str:
        """64 hex digits that name this very pack, signed or not."""
        return hashlib.sha256(self.text()).hexdigest()


def listed(files: Mapping[str, bytes]) -> tuple[PackedFile, ...]:
    """The entries in the order of their names."""
    return tuple(PackedFile.of(path, files[path]) for path in sorted(files))


def manifest_for(
    record: RunRecord,
    files: Mapping[str, bytes],
    *,
    tool: str,
    commit: str,
    lines: int,
    head: str,
    amends: Amends | None,
) -> Manifest:
    return Manifest(
        evidence=record.kit,
        suite=record.suite,
        station=record.station,
        verdict=record.verdict,
        started=record.started,
        tool=tool,
        commit=commit,
        lines=lines,
        head=head,
        files=listed(files),
        amends=amends,
    )


def manifest_of(text: bytes) -> Manifest | None:
    """The manifest, if the text is one in the only form that `Manifest.text` writes."""
    try:
        found = json.loads(text)
        amends = found.pop("amends")
        files = tuple(PackedFile(**entry) for entry in found.pop("files"))
        manifest = Manifest(
            **found, files=files, amends=None if amends is None else Amends(**amends)
        )
        sound = (
            manifest.format == FORMAT
            and all(may_be_packed(file.path) for file in files)
            and manifest.text() == text
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return manifest if sound else None
