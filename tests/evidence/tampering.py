"""Tampers with a pack in every way we could think of, and counts what `verify` finds.

    python -m tests.evidence.tampering 10000

Whoever tampers may know everything but the private key: they write canonical archives, mend the
manifest, the chain, the checkpoints and the statement, and sign with a key of their own. In the
last kinds it is the signer who cheats, with the right key.
"""

from __future__ import annotations

import io
import json
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from bench.errors import ExitCode, UsageError
from bench.evidence.archive import NotAPack, read, unfold, written
from bench.evidence.chain import chain_text, heads
from bench.evidence.checkpoints import CheckpointWriter
from bench.evidence.contents import CHECKPOINTS, RESULT, TRACE
from bench.evidence.derived import CHAIN, derived_files
from bench.evidence.manifest import (
    ATTESTATION,
    KEY,
    MANIFEST,
    OUTSIDE,
    STATEMENT,
    listed,
    manifest_of,
)
from bench.evidence.signing import Signer, enveloped
from bench.evidence.statement import PAYLOAD_TYPE, statement
from bench.evidence.verifying import verify
from bench.report.trace_lines import read_lines
from bench.result import read_result
from tests.evidence.runs import SIGNER, STRANGER, small_pack

Files = dict[str, bytes]


def flip(pack: bytes, draw: random.Random) -> bytes:
    changed = bytearray(pack)
    changed[draw.randrange(len(changed))] ^= 1 << draw.randrange(8)
    return bytes(changed)


def _span(pack: bytes, draw: random.Random) -> tuple[int, int]:
    start = draw.randrange(len(pack))
    return start, min(len(pack), start + draw.choice([1, 1, 2, 16, 512, 20_000]))


def drop(pack: bytes, draw: random.Random) -> bytes:
    start, end = _span(pack, draw)
    return pack[:start] + pack[end:]


def duplicate(pack: bytes, draw: random.Random) -> bytes:
    start, end = _span(pack, draw)
    return pack[:end] + pack[start:]


def truncate(pack: bytes, draw: random.Random) -> bytes:
    return pack[: draw.randrange(len(pack))]


def append(pack: bytes, draw: random.Random) -> bytes:
    return pack + draw.choice([b"\0", b"PK", draw.randbytes(22), pack[-22:], pack])


def swap(pack: bytes, draw: random.Random) -> bytes:
    """Two spans of the same length change places."""
    size = draw.choice([1, 2, 16, 512])
    first, second = sorted(draw.sample(range(len(pack) - size), 2))
    if second < first + size:
        return flip(pack, draw)
    a, b = pack[first : first + size], pack[second : second + size]
    if a == b:
        return flip(pack, draw)
    return pack[:first] + b + pack[first + size : second] + a + pack[second + size :]


def _lines_changed(text: bytes, draw: random.Random) -> bytes:
    """A line dropped, doubled, moved or changed; never the text as it was."""
    while True:
        lines = text.splitlines(keepends=True)
        at, other = draw.randrange(len(lines)), draw.randrange(len(lines))
        what = draw.randrange(5)
        if what == 0:
            del lines[at]
        elif what == 1:
            lines.insert(other, lines[at])
        elif what == 2:
            lines[at], lines[other] = lines[other], lines[at]
        elif what == 3:
            del lines[at:]
        else:
            lines[at] = flip(lines[at], draw)
        if b"".join(lines) != text:
            return b"".join(lines)


def member_changed(pack: bytes, draw: random.Random) -> bytes:
    files = read(pack)
    name = draw.choice(sorted(name for name in files if files[name]))
    return written({**files, name: _lines_changed(files[name], draw)})


def member_dropped(pack: bytes, draw: random.Random) -> bytes:
    files = read(pack)
    del files[draw.choice(sorted(files))]
    return written(files)


def members_swapped(pack: bytes, draw: random.Random) -> bytes:
    files = read(pack)
    first, second = draw.sample(sorted(files), 2)
    if files[first] == files[second]:
        return member_dropped(pack, draw)
    return written({**files, first: files[second], second: files[first]})


def member_doubled(pack: bytes, draw: random.Random) -> bytes:
    files = read(pack)
    name = draw.choice(sorted(files))
    return written({**files, f"{name}.{draw.randrange(9)}": files[name]})


def listed_again(pack: bytes, draw: random.Random) -> bytes:
    """A changed file with a manifest to match, under the old signature."""
    files = _changed(pack, draw)
    return written({**files, MANIFEST: _manifest(files), ATTESTATION: read(pack)[ATTESTATION]})


def signature_dropped(pack: bytes, draw: random.Random) -> bytes:
    """As if it had never been signed; half of the time something is changed on the occasion."""
    files = _changed(pack, draw) if draw.random() < 0.5 else _listed_files(pack)
    files = {name: held for name, held in files.items() if name != KEY}
    return _stated(files, None) or signature_dropped(pack, draw)


def signed_by_another(pack: bytes, draw: random.Random) -> bytes:
    files = _changed(pack, draw) if draw.random() < 0.5 else _listed_files(pack)
    return _stated(files, STRANGER) or signed_by_another(pack, draw)


def key_of_another(pack: bytes, draw: random.Random) -> bytes:
    """A stranger's signature that says it is the signer's."""
    files = _listed_files(pack)
    manifest = manifest_of(read(pack)[MANIFEST])
    assert manifest is not None
    envelope = enveloped(PAYLOAD_TYPE, json.dumps(draw.random()).encode(), STRANGER)
    forged = replace(envelope, key_id=SIGNER.key_id)
    return written({**files, MANIFEST: manifest.text(), ATTESTATION: forged.text()})


def signer_edits_result(pack: bytes, draw: random.Random) -> bytes:
    """The right key over a result that says other than the trace, and reports to match."""
    files = _listed_files(pack)
    record = json.loads(files[RESULT])
    scenario = draw.choice([s for s in record["scenarios"] if s["rules"]])
    rule = draw.choice(sorted(scenario["rules"]))
    what = draw.randrange(8)
    if what == 0:
        scenario["rules"][rule]["passed"] += 1
    elif what == 1:
        del scenario["rules"][rule]
    elif what == 2:
        scenario["outcome"] = "parked" if scenario["outcome"] != "parked" else "failed"
    elif what == 3:
        scenario["verdict"] = "fail" if scenario["verdict"] == "pass" else "pass"
    elif what == 4:
        record["verdict"] = "inconclusive"
    elif what == 5:
        certificate = draw.choice(record["certificates"])
        draw.choice(certificate["rules"])["verdict"] = "not even looked at"
    elif what == 6:
        record["kit"] = "REAL"
    else:
        scenario["story"] = [*scenario["story"][::-1], "all went well"]
    files[RESULT] = (json.dumps(record, ensure_ascii=False, indent=1) + "\n").encode()
    return _made_anew(files) or signer_edits_result(pack, draw)


def signer_edits_trace(pack: bytes, draw: random.Random) -> bytes:
    """The right key over another trace: chain, checkpoints and reports are made to match."""
    files = _listed_files(pack)
    lines = files[TRACE].splitlines(keepends=True)
    at = draw.randrange(len(lines))
    what = draw.randrange(3)
    if what == 0:
        del lines[at]
    elif what == 1:
        lines.insert(at, lines[at])
    else:
        del lines[at:]
    files[TRACE] = b"".join(lines)
    target = io.BytesIO()
    writer = CheckpointWriter(target)
    for line in lines:
        writer.add(line)
    writer.mark(0, last=True)
    files[CHECKPOINTS] = target.getvalue()
    files[CHAIN] = chain_text(files[TRACE])
    return _made_anew(files) or signer_edits_trace(pack, draw)


def signer_edits_report(pack: bytes, draw: random.Random) -> bytes:
    files = _listed_files(pack)
    name = draw.choice(["report.html", "junit.xml", "requirements.csv", "deviations.json"])
    files[name] = _lines_changed(files[name], draw)
    return _stated(files, SIGNER) or signer_edits_report(pack, draw)


KINDS: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    flip,
    drop,
    duplicate,
    truncate,
    append,
    swap,
    member_changed,
    member_dropped,
    members_swapped,
    member_doubled,
    listed_again,
    signature_dropped,
    signed_by_another,
    key_of_another,
    signer_edits_result,
    signer_edits_trace,
    signer_edits_report,
)


def _listed_files(pack: bytes) -> Files:
    return {name: held for name, held in read(pack).items() if name not in OUTSIDE}


def _changed(pack: bytes, draw: random.Random) -> Files:
    files = _listed_files(pack)
    name = draw.choice([TRACE, RESULT, "report.html", CHAIN])
    files[name] = _lines_changed(files[name], draw)
    if name == TRACE:
        files[CHAIN] = chain_text(files[TRACE])
    return files


def _manifest(files: Files) -> bytes:
    """That of the sound pack, with the files as they are now."""
    found = manifest_of(read(_SOUND[0])[MANIFEST])
    assert found is not None
    line_heads = heads(files[TRACE])
    return replace(
        found,
        files=listed(files),
        lines=len(line_heads),
        head=line_heads[-1] if line_heads else "",
    ).text()


def _made_anew(files: Files) -> bytes | None:
    """A pack by the right key whose reports follow from what it says; None where none would."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        unfold(files, folder)
        try:
            record = read_result(folder)
            files = {**files, **derived_files(folder, record, read_lines(folder, record))}
        except UsageError:
            return None
    return _stated(files, SIGNER)


def _stated(files: Files, signer: Signer | None) -> bytes | None:
    """A pack of the files, all of it made to match; None where the result cannot even be read."""
    if signer is not None:
        files = {**files, KEY: signer.verifier.pem()}
    manifest_text = _manifest(files)
    manifest = manifest_of(manifest_text)
    assert manifest is not None
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / RESULT).write_bytes(files[RESULT])
        try:
            stated = statement(manifest, read_result(Path(folder)))
        except Exception:  # a result that makes no sense: nobody could state anything of it
            return None
    if signer is None:
        outside = {STATEMENT: stated}
    else:
        outside = {ATTESTATION: enveloped(PAYLOAD_TYPE, stated, signer).text()}
    return written({**files, MANIFEST: manifest_text, **outside})


_SOUND: list[bytes] = []
"""The pack that is tampered with; the forgers know it too."""


def outcomes(pack: bytes, many: int, seed: int = 1) -> Iterator[tuple[str, int]]:
    """Each tampering's kind and what `verify --key` exits with."""
    _SOUND[:] = [pack]
    draw = random.Random(seed)
    for number in range(many):
        kind = KINDS[number % len(KINDS)]
        tampered = kind(pack, draw)
        assert tampered != pack, kind.__name__
        try:
            code = verify(tampered, [SIGNER.verifier]).exit_code
        except NotAPack:
            code = ExitCode.USAGE
        yield kind.__name__.replace("_", " "), int(code)


def main(many: int) -> int:
    with tempfile.TemporaryDirectory() as folder:
        pack = small_pack(Path(folder))
    sound = verify(pack, [SIGNER.verifier])
    assert sound.exit_code is ExitCode.PASS, sound.findings
    found = Counter(outcomes(pack, many))
    print(f"{'kind':<20} {'tampered':>9} {'no pack':>9} {'unproven':>9} {'not found':>9}")
    for kind in dict.fromkeys(kind for kind, _ in found):
        counts = [found[kind, code] for code in (1, 2, 3, 0)]
        print(f"{kind:<20} " + " ".join(f"{count:>9,}" for count in counts))
    missed = sum(count for (_, code), count in found.items() if code == ExitCode.PASS)
    print(f"{many:,} tamperings of a pack of {len(pack):,} bytes, {missed} not found")
    return missed


if __name__ == "__main__":
    sys.exit(min(main(int(sys.argv[1])), 1))
