"""Says of a pack what is proven and what is not, without network and without believing it.

A check that fails is *tampered*; one that cannot be made is *unproven*. What the files say is
looked at only once they are those of the manifest.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.errors import BenchError, UsageError
from bench.evidence.archive import Damaged, read, unfold
from bench.evidence.findings import Finding, Verification, proven, some, tampered
from bench.evidence.inside import Inside, look, notes
from bench.evidence.manifest import MANIFEST, OUTSIDE, Manifest, listed, manifest_of
from bench.evidence.signing import Verifier
from bench.evidence.statement import overall
from bench.report.trace_lines import read_lines
from bench.result import read_result


def verify(content: bytes, trusted: Sequence[Verifier] = ()) -> Verification:
    """Looks at a pack; `trusted` are the public keys of those who are believed.

    Raises `bench.evidence.archive.NotAPack` where it is none.
    """
    try:
        members = read(content)
    except Damaged as error:
        return Verification((tampered("form", f"this is no canonical archive: {error}"),))
    form = proven("form", f"one canonical archive of {len(members)} files, and nothing else")
    manifest = manifest_of(members.get(MANIFEST, b""))
    if manifest is None:
        return Verification((form, tampered("manifest", "there is none, or none that is sound")))
    files = {name: held for name, held in members.items() if name not in OUTSIDE}
    unlike = _unlike(manifest, files)
    if unlike:
        return Verification((form, tampered("manifest", unlike)), manifest=manifest)
    said = f"{len(files)} files are to the byte what it lists; its sha256 is {manifest.digest}"
    return _inside((form, proven("manifest", said)), manifest, members, trusted)


def _unlike(manifest: Manifest, files: dict[str, bytes]) -> str:
    """How the files differ from the manifest; empty where they do not."""
    said = {file.path: file for file in manifest.files}
    got = {file.path: file for file in listed(files)}
    parts = [
        f"{what}: {some(names)}"
        for what, names in (
            ("missing", sorted(said.keys() - got.keys())),
            ("not listed", sorted(got.keys() - said.keys())),
            ("changed", [path for path in got if path in said and got[path] != said[path]]),
        )
        if names
    ]
    return "; ".join(parts) or ("" if manifest.files == listed(files) else "it is not in order")


def _inside(
    found: tuple[Finding, ...],
    manifest: Manifest,
    members: dict[str, bytes],
    trusted: Sequence[Verifier],
) -> Verification:
    with tempfile.TemporaryDirectory(prefix="smets1-bench-") as scratch:
        folder = Path(scratch)
        files = {name: held for name, held in members.items() if name not in OUTSIDE}
        try:
            unfold(files, folder)
            record = read_result(folder)
            inside = Inside(
                manifest, members, folder, record, read_lines(folder, record), tuple(trusted)
            )
            findings = (*found, *look(inside))
            return Verification(findings, tuple(notes(inside)), manifest, overall(record))
        except BenchError:
            raise
        except UsageError as error:
            said = str(error).replace(f"{folder}/", "").splitlines()[0]
        except Exception as error:  # whatever a forged file makes this program do is the file's
            said = f"no run of this bench writes what the files hold ({type(error).__name__})"
        return Verification((*found, tampered("content", said)), manifest=manifest)
