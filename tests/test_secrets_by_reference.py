"""A key is read from where its reference says, if nobody else could; no complaint quotes it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bench.errors import UsageError
from bench.leaks import find_leaks
from bench.secret import Secret
from bench.secret_reference import MAX_BYTES, read_secret, reference_problem

KEY = bytes(range(0xA0, 0xB0))

GOOD = {
    "hex": (KEY.hex().encode(), KEY),
    "HEX": (KEY.hex().upper().encode() + b"\n", KEY),
    "blanks": (KEY.hex(" ").encode(), KEY),
    "colons": (KEY.hex(":").encode(), KEY),
    "hyphens": (KEY.hex("-").encode(), KEY),
    "lines": (KEY.hex("\n", 8).encode() + b"\r\n", KEY),
    "password": (b"text:12345678\n", b"12345678"),
    "password with blanks": (b"text: a b ", b" a b "),
}

BAD = {
    "nothing": (b"", "got nothing"),
    "blank": (b" \n", "got nothing"),
    "a word": (b"secret-word", "got something else"),
    "odd": (KEY.hex()[:-1].encode(), "got something else"),
    "a digit apart": (b"a a", "got something else"),
    "no ASCII": ("text:gehe\xefm".encode(), "got something else"),
    "two passwords": (b"text:one\ntwo", "got something else"),
    "an empty password": (b"text:\n", "got something else"),
    "too much": (b"00" * MAX_BYTES, f"got more than {MAX_BYTES} bytes"),
}


def key_file(folder: Path, content: bytes, mode: int = 0o600) -> Path:
    path = folder / "key"
    path.write_bytes(content)
    path.chmod(mode)
    return path


@pytest.mark.parametrize("form", GOOD)
def test_what_a_reference_points_to(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content, expected = GOOD[form]
    key_file(tmp_path, content)
    monkeypatch.setenv("METER_KEY", content.decode())
    for reference in ("file:key", f"file:{tmp_path / 'key'}", "env:METER_KEY"):
        secret = read_secret(reference, label="meter", beside=tmp_path)
        assert secret.matches(Secret(expected, "expected")), reference
        assert secret.label == "meter"


@pytest.mark.parametrize("form", BAD)
def test_what_is_no_key(form: str, tmp_path: Path) -> None:
    content, got = BAD[form]
    key_file(tmp_path, content)
    with pytest.raises(UsageError) as caught:
        read_secret("file:key", label="meter", beside=tmp_path)
    assert str(caught.value) == (
        "meter: file:key: expected hexadecimal digits, or text: and a password in ASCII, " + got
    )
    assert not find_leaks(str(caught.value).encode(), [Secret(KEY[:15], "most of the key")])


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610, 0o666, 0o777])
def test_a_file_that_others_may_touch_is_refused(mode: int, tmp_path: Path) -> None:
    path = key_file(tmp_path, KEY.hex().encode(), mode)
    with pytest.raises(UsageError) as caught:
        read_secret("file:key", label="meter", beside=tmp_path)
    assert str(caught.value) == (
        f"meter: {path}: expected a file that only its owner may read (mode 0600), "
        f"got mode {mode:04o}"
    )
    assert caught.value.hint == f"chmod 600 {path}"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_file_of_another_user_is_refused(tmp_path: Path) -> None:
    os.chown(key_file(tmp_path, KEY.hex().encode()), 12345, 0)
    with pytest.raises(UsageError, match="got one of user 12345, who can change it"):
        read_secret("file:key", label="meter", beside=tmp_path)


def test_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    for name, said in (
        ("pipe", "expected a file, got a pipe"),
        (".", "expected a file, got a folder"),
        ("absent", "expected a file with the key: No such file or directory"),
        ("key/beyond", "expected a file with the key: N"),
        ("n" * 300, "expected a file with the key: File name too long"),
    ):
        with pytest.raises(UsageError) as caught:
            read_secret(f"file:{name}", label="meter", beside=tmp_path)
        assert said in str(caught.value)


def test_a_variable_that_is_not_set(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        read_secret("env:NOT_SET_ANYWHERE", label="meter", beside=tmp_path)
    assert str(caught.value) == (
        "meter: expected the environment variable NOT_SET_ANYWHERE to hold the key, it is not set"
    )


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("file:", "expected the path of a file after 'file:'"),
        ("file:a\0b", "expected the path of a file after 'file:'"),
        ("env:", "expected the name of a variable after 'env:'"),
        ("env:A-B", "expected the name of a variable after 'env:'"),
        ("flie:x", "never the key itself; did you mean 'file'?"),
        (KEY.hex(), "expected file:PATH or env:NAME, which say where the key is, never the key"),
        (KEY.hex(":"), "never the key itself"),
        ("", "expected file:PATH or env:NAME"),
    ],
)
def test_what_is_no_reference(reference: str, said: str, tmp_path: Path) -> None:
    assert said in reference_problem(reference)
    with pytest.raises(UsageError) as caught:
        read_secret(reference, label="meter", beside=tmp_path)
    assert said in str(caught.value)
    assert not find_leaks(str(caught.value).encode(), [Secret(KEY, "the key")])


@pytest.mark.parametrize("reference", ["file:x", "file:/a/b", "env:A", "env:_a1"])
def test_a_reference_is_judged_without_being_followed(reference: str) -> None:
    assert reference_problem(reference) == ""
