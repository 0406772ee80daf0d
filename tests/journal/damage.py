"""Cuts and flips a journal in many places: each opens as an exact prefix, or is refused.

`python -m tests.journal.damage 10000` prints the counts.
"""

from __future__ import annotations

import random
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from bench.journal.entry import Entry, Kind
from bench.journal.moment import Moment
from bench.journal.store import FILE, Journal, JournalDamaged, Keep

ENTRIES = 320
SYNCED = 240
"""The last one that is on the disk before the next thing is done; the others need not be."""


def write(path: Path, *, killed: bool) -> tuple[Entry, ...]:
    """A journal like that of a run. `killed`: left with its write-ahead file, as by kill -9."""
    journal = Journal.create(path)
    entries = []
    for number in range(1, ENTRIES + 1):
        kind = Kind.INTENT if number % 2 else Kind.RESULT
        body = f'["argument {number}"]' * (1 + number % 7)
        entry = Entry(kind, number, "electricity", "rotate_key", body, Moment(number, number, "b"))
        journal.add(entry, Keep.SYNCED if number % 10 == 0 and number <= SYNCED else Keep.COMMITTED)
        entries.append(entry)
    if killed:
        for file in sorted(path.parent.glob("journal.*")):
            shutil.copy(file, path.parent / f"copy-{file.name}")
        journal.close()
        for file in sorted(path.parent.glob("copy-*")):
            file.replace(path.parent / file.name.removeprefix("copy-"))
    else:
        journal.close()
    return tuple(entries)


def judged(path: Path, written: Sequence[Entry]) -> str:
    """How the journal opens; `WRONG` is what must never be."""
    try:
        journal, entries = Journal.open(path)
    except JournalDamaged:
        return "refused"
    journal.close()
    if entries != tuple(written[: len(entries)]) or len(entries) < SYNCED:
        return "WRONG"
    return "whole" if len(entries) == len(written) else "prefix"


def damage(places: int, seed: int) -> Counter[str]:
    """`places` times a journal is cut or has a bit flipped; half of them as a kill leaves it."""
    rng = random.Random(seed)
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as made:
        sound = {}
        for killed in (False, True):
            folder = Path(made) / f"sound-{killed}"
            folder.mkdir()
            entries = write(folder / FILE, killed=killed)
            files = {file.name: file.read_bytes() for file in folder.iterdir()}
            files.pop(f"{FILE}-shm", None)  # rebuilt from the rest by whoever opens it
            sound[killed] = entries, files
        broken = Path(made) / "broken"
        for place in range(places):
            entries, files = sound[place % 2 == 1]
            shutil.rmtree(broken, ignore_errors=True)
            broken.mkdir()
            name = rng.choice(sorted(name for name in files if files[name]))
            content = bytearray(files[name])
            at = rng.randrange(len(content))
            if rng.random() < 0.3:
                del content[at:]
                how = "cut"
            else:
                content[at] ^= 1 << rng.randrange(8)
                how = "flip"
            for other, data in files.items():
                (broken / other).write_bytes(bytes(content) if other == name else data)
            counts[f"{how} in {name}: {judged(broken / FILE, entries)}"] += 1
    return counts


if __name__ == "__main__":
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    found = damage(wanted, 1)
    for line, count in sorted(found.items()):
        print(f"{count:6} {line}")
    sys.exit(any(line.endswith("WRONG") for line in found))
