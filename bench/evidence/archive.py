"""The one form a pack may have: a ZIP file of stored members, the same bytes for the same files.

A reader of ZIP files may look at the directory at the end or at the headers before the members,
and the two may disagree; names may repeat, lead out of a folder, or differ in what nobody sees;
comments and gaps may hold anything. None of this needs to be recognised: a file is canonical if
writing what was read from it gives the same bytes, and nothing else is a pack.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Final

from bench.errors import BenchError
from bench.plain_file import open_plain

MARK: Final = "PACK"
"""The first member, so that a pack is known by its first bytes."""

TOLD: Final = b"""smets1-bench evidence pack 1

Verify it offline with: smets1-bench verify PACK --key signing-key.pub
"""

MAX_BYTES: Final = 1024**3
MAX_MEMBERS: Final = 20_000

_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_][A-Za-z0-9_.-]*)*", re.ASCII)
_LONGEST: Final = 240
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_READABLE: Final = 0o100644 << 16
_UNIX: Final = 3


class NotAPack(Exception):
    """The file is no pack, as its first bytes show, or it cannot be read at all."""


class Damaged(Exception):
    """The file begins as a pack does and is not in the form that a pack has."""


def may_be_packed(name: str) -> bool:
    """Whether a member may have this name: ASCII, relative, no `..`, no hidden file."""
    return len(name) <= _LONGEST and _NAME.fullmatch(name) is not None


def written(members: Mapping[str, bytes]) -> bytes:
    """The archive. Members follow `PACK` in the order of their names."""
    names = sorted(members)
    folded = {name.casefold() for name in names}
    assert all(map(may_be_packed, names)), "names are checked where they come in"
    assert len(folded) == len(names) <= MAX_MEMBERS, "names differ in more than their case"
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(_member(MARK), TOLD)
        for name in names:
            archive.writestr(_member(name), members[name])
    return target.getvalue()


def _member(name: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name, _EPOCH)
    member.create_system = _UNIX
    member.external_attr = _READABLE
    return member


_BEGINS: Final = written({})[: 30 + len(MARK) + len(TOLD)]
"""Header, name and content of the first member."""


def file_bytes(path: Path) -> bytes:
    """The file's bytes. Raises `NotAPack`: it cannot be read, is no plain file, or is longer than
    a pack may be.
    """
    try:
        with open_plain(path) as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise NotAPack(error.strerror or "it cannot be read") from None
    if len(content) > MAX_BYTES:
        raise NotAPack(f"it is longer than {MAX_BYTES} bytes")
    return content


def read(content: bytes) -> dict[str, bytes]:
    """The members of a canonical archive by name, without `PACK`.

    Raises `NotAPack` or `Damaged`. Never holds more than the file's own size: only stored members
    are read.
    """
    if not content.startswith(_BEGINS):
        raise NotAPack("it does not begin as a pack does")
    try:
        members = _members(content)
    except (
        zipfile.BadZipFile,
        NotImplementedError,
        EOFError,
        OSError,
        ValueError,
        RuntimeError,
    ) as error:
        raise Damaged(str(error) or type(error).__name__) from None
    if written(members) != content:
        raise Damaged("written again, its members give other bytes")
    return members


def _members(content: bytes) -> dict[str, bytes]:
    members: dict[str, bytes] = {}
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = archive.infolist()
        if len(entries) > MAX_MEMBERS:
            raise Damaged(f"expected at most {MAX_MEMBERS} members, got {len(entries)}")
        if sum(entry.file_size for entry in entries) > len(content):
            raise Damaged("its members say that they are longer than the file")
        folded: set[str] = set()
        for entry in entries:
            name = entry.orig_filename
            if not may_be_packed(name):
                raise Damaged("a member has a name that none may have")
            if name.casefold() in folded:
                raise Damaged(f"two members are called {name}")
            if any(str(parent).casefold() in folded for parent in PurePosixPath(name).parents):
                raise Damaged(f"{name} lies in a member that is a file")
            if entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits:
                raise Damaged(f"{name} is not stored as it is")
            folded.add(name.casefold())
            members[name] = archive.read(entry)
    if members.pop(MARK, None) != TOLD:
        raise Damaged(f"{MARK} is not as it must be")
    return members


def unfold(files: Mapping[str, bytes], folder: Path) -> None:
    """Writes the files into a folder of our own; their names were checked."""
    try:
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    except OSError as error:
        raise BenchError(
            f"{folder}: cannot be written: {error.strerror}",
            hint="make room there, or name another folder in TMPDIR",
        ) from None
