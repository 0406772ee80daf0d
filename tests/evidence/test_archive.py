"""One form and no other: whatever a ZIP file can hide is not canonical."""

from __future__ import annotations

import io
import random
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.evidence.archive import (
    MARK,
    TOLD,
    Damaged,
    NotAPack,
    file_bytes,
    may_be_packed,
    read,
    unfold,
    written,
)

FILES = {"a.txt": b"first", "b/c.txt": b"", "b/d.txt": bytes(range(256))}

NAMES = st.from_regex(r"[a-z0-9]{1,8}(/[a-z0-9]{1,8})?", fullmatch=True)


@given(files=st.dictionaries(NAMES.map(lambda name: f"x/{name}.b"), st.binary(max_size=99)))
def test_what_is_written_is_read(files: dict[str, bytes]) -> None:
    content = written(files)
    assert read(content) == files
    assert written(dict(reversed(files.items()))) == content, "whatever order they come in"


def zipped(members: list[tuple[zipfile.ZipInfo, bytes]], comment: bytes = b"") -> bytes:
    """An archive that begins as a pack does, with these members after."""
    target = io.BytesIO()
    target.write(written({}))
    with zipfile.ZipFile(target, "a") as archive:
        for info, content in members:
            archive.writestr(info, content)
        archive.comment = comment
    return target.getvalue()


def member(name: str, **fields: object) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    info.create_system, info.external_attr = 3, 0o100644 << 16
    for field, value in fields.items():
        setattr(info, field, value)
    return info


def test_the_traps_below_are_sprung_on_a_sound_archive() -> None:
    assert zipped([(member("a.txt"), b"x")]) == written({"a.txt": b"x"})


TRAPS: dict[str, Callable[[], bytes]] = {
    "a name twice": lambda: zipped([(member("a"), b"1"), (member("a"), b"2")]),
    "a name twice but for its case": lambda: zipped([(member("A"), b"1"), (member("a"), b"2")]),
    "a way out of the folder": lambda: zipped([(member("../a"), b"1")]),
    "a way out further in": lambda: zipped([(member("b/../../a"), b"1")]),
    "an absolute name": lambda: zipped([(member("/etc/a"), b"1")]),
    "a name of Windows": lambda: zipped([(member("b\\a"), b"1")]),
    "a drive of Windows": lambda: zipped([(member("C:a"), b"1")]),
    "a folder": lambda: zipped([(member("b/"), b"")]),
    "a file that is also a folder": lambda: zipped([(member("b"), b""), (member("b/c"), b"")]),
    "a Cyrillic letter": lambda: zipped([(member("r\u0435sult.json"), b"1")]),
    "a full-width letter": lambda: zipped([(member("\uff41.txt"), b"1")]),
    "a hidden file": lambda: zipped([(member(".a"), b"1")]),
    "a NUL in a name": lambda: written({"aXb": b"1"}).replace(b"aXb", b"a\0b"),
    "a comment": lambda: zipped([], b"read me"),
    "a member's comment": lambda: zipped([(member("a", comment=b"x"), b"1")]),
    "an extra field": lambda: zipped([(member("a", extra=struct.pack("<HH", 9, 0)), b"1")]),
    "another time": lambda: zipped([(member("a", date_time=(2020, 1, 1, 0, 0, 0)), b"1")]),
    "another mode": lambda: zipped([(member("a", external_attr=0o100755 << 16), b"1")]),
    "a link": lambda: zipped([(member("a", external_attr=0o120777 << 16), b"/etc/passwd")]),
    "another order": lambda: zipped([(member("b"), b"1"), (member("a"), b"2")]),
    "compressed": lambda: zipped([(member("a", compress_type=zipfile.ZIP_DEFLATED), b"1" * 99)]),
    "bytes behind it": lambda: written(FILES) + b"x",
    "a second end behind it": lambda: written(FILES) + written(FILES)[-22:],
    "another archive behind it": lambda: written({}) + written(FILES),
    "no first member's content": lambda: written(FILES).replace(TOLD, TOLD[:-1] + b"\r", 1),
    "cut": lambda: written(FILES)[:-1],
    "cut in the middle": lambda: written(FILES)[:250],
    "a size that lies": lambda: _lying_sizes(),
    "a bomb": lambda: _bomb(),
    "a gap between members": lambda: _with_a_gap(),
    "headers that disagree": lambda: _with_two_names(),
}


def _lying_sizes() -> bytes:
    content = bytearray(written({"a": b"1"}))
    at = content.rindex(b"PK\x01\x02")
    content[at + 20 : at + 28] = struct.pack("<II", 1 << 30, 1 << 30)
    return bytes(content)


def _bomb() -> bytes:
    info = member("a", compress_type=zipfile.ZIP_DEFLATED)
    return zipped([(info, bytes(64 * 1024 * 1024))])


def _with_a_gap() -> bytes:
    """Four bytes that no header speaks of, before the second member; the directory knows."""
    content = written({"a": b"1"})
    second = content.index(b"PK\x03\x04", 4)
    directory = content.index(b"PK\x01\x02")
    changed = bytearray(content[:second] + b"gap!" + content[second:])
    entry = changed.rindex(b"PK\x01\x02")
    changed[entry + 42 : entry + 46] = struct.pack("<I", second + 4)
    end = changed.rindex(b"PK\x05\x06")
    changed[end + 16 : end + 20] = struct.pack("<I", directory + 4)
    with zipfile.ZipFile(io.BytesIO(bytes(changed))) as archive:
        assert archive.read("a") == b"1", "other readers see nothing of it"
    return bytes(changed)


def _with_two_names() -> bytes:
    """The header before the member says `b.txt`, the directory `a.txt`."""
    content = bytearray(written({"a.txt": b"1"}))
    at = content.index(b"a.txt")
    content[at : at + 5] = b"b.txt"
    return bytes(content)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("trap", TRAPS)
def test_traps(trap: str) -> None:
    with pytest.raises((Damaged, NotAPack)):
        read(TRAPS[trap]())


@pytest.mark.parametrize(
    "content", [b"", b"PK", b"PK\x05\x06" + bytes(18), b"\x1f\x8b", b"{}", bytes(1000)]
)
def test_no_pack_at_all(content: bytes) -> None:
    with pytest.raises(NotAPack):
        read(content)


def test_every_byte_counts() -> None:
    """Each byte of a small archive flipped in one bit, whatever it stands for."""
    sound = written(FILES)
    draw = random.Random(1)
    for place in range(len(sound)):
        content = bytearray(sound)
        content[place] ^= 1 << draw.randrange(8)
        with pytest.raises((Damaged, NotAPack)):
            read(bytes(content))


@pytest.mark.parametrize(
    ("name", "may"),
    [
        ("trace.jsonl", True),
        ("captures/hub-1.jsonl", True),
        ("a" * 240, True),
        ("a" * 241, False),
        ("", False),
        ("a//b", False),
        ("a/", False),
        ("a/.b", False),
        ("a b", False),
        ("a\n", False),
        (MARK, True),
    ],
)
def test_names(name: str, may: bool) -> None:
    assert may_be_packed(name) is may


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    for path in (tmp_path / "absent", tmp_path):
        with pytest.raises(NotAPack):
            file_bytes(path)


def test_unfolded(tmp_path: Path) -> None:
    unfold(FILES, tmp_path)
    assert {name: (tmp_path / name).read_bytes() for name in FILES} == FILES
