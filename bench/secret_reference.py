"""Keys by reference: a station file names where a key is, and never holds one.

====================  =====================================================================
reference             where the key is
====================  =====================================================================
`file:keys/meter-1`   in a file beside the file that names it; only its owner may read it
`env:METER_1_KEY`     in an environment variable
====================  =====================================================================

What is found there is hexadecimal digits, pairs of which may be parted by blanks, colons or
hyphens; or `text:` and then a password in ASCII, taken as it stands. A complaint never quotes it.
"""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import Final

from bench.errors import UsageError
from bench.plain_file import NotPlain, open_plain
from bench.secret import Secret
from bench.spelling import did_you_mean

SCHEMES: Final = ("file", "env")

MAX_BYTES: Final = 4096

_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_TEXT: Final = "text:"
_SEPARATED: Final = re.compile(r"[0-9A-Fa-f]{2}(?:[ :-]?[0-9A-Fa-f]{2})*", re.ASCII)
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


def reference_problem(reference: str) -> str:
    """What is wrong with the form of a reference; empty where nothing is. Opens nothing.

    A key written where its reference belongs is not quoted.
    """
    scheme, colon, rest = reference.partition(":")
    if scheme == "file" and rest and "\0" not in rest:
        return ""
    if scheme == "env" and _NAME.fullmatch(rest):
        return ""
    if scheme in SCHEMES:
        what = "the path of a file" if scheme == "file" else "the name of a variable"
        return f"expected {what} after '{scheme}:'"
    near = did_you_mean(scheme, SCHEMES) if colon and len(scheme) < 8 else ""
    return f"expected file:PATH or env:NAME, which say where the key is, never the key itself{near}"


def read_secret(reference: str, *, label: str, beside: Path) -> Secret:
    """The secret that the reference points to; `beside` is the folder of the file that names it.

    Safe to repeat. Raises `UsageError`: nothing is there, it is neither hexadecimal nor `text:`,
    or it is a file that somebody else may read or write.
    """
    wrong = reference_problem(reference)
    if wrong:
        raise UsageError(f"{label}: {wrong}")
    scheme, _, rest = reference.partition(":")
    content = read_owner_only(beside / rest, label) if scheme == "file" else _from_env(rest, label)
    octets = _octets(content)
    if not octets:
        raise UsageError(
            f"{label}: {reference}: expected hexadecimal digits, or text: and a password in ASCII, "
            f"got {_described(content)}"
        )
    return Secret(octets, label)


def read_owner_only(path: Path, label: str) -> bytes:
    """What stands in a file that only its owner may touch, up to a byte more than `MAX_BYTES`.

    Raises `UsageError`: it is no such file.
    """
    try:
        file = open_plain(path)
    except NotPlain as error:
        raise UsageError(f"{label}: {path}: {error.strerror}") from None
    except OSError as error:
        raise UsageError(
            f"{label}: {path}: expected a file with the key: {error.strerror}",
            hint="a path is taken from the folder of the file that names it",
        ) from None
    with file:
        about = os.fstat(file.fileno())
        if about.st_mode & _OTHERS:
            raise UsageError(
                f"{label}: {path}: expected a file that only its owner may read (mode 0600), "
                f"got mode {stat.S_IMODE(about.st_mode):04o}",
                hint=f"chmod 600 {path}",
            )
        if about.st_uid not in (os.geteuid(), 0):
            raise UsageError(
                f"{label}: {path}: expected a file of your own or of root, got one of user "
                f"{about.st_uid}, who can change it"
            )
        return file.read(MAX_BYTES + 1)


def _from_env(name: str, label: str) -> bytes:
    content = os.environb.get(name.encode())
    if content is None:
        raise UsageError(
            f"{label}: expected the environment variable {name} to hold the key, it is not set"
        )
    return content


def _octets(content: bytes) -> bytes:
    """The bytes meant; none where the content is not of either form."""
    if len(content) > MAX_BYTES or not content.isascii():
        return b""
    text = content.decode("ascii").strip("\r\n")
    if text.startswith(_TEXT):
        password = text.removeprefix(_TEXT)
        return password.encode() if password.isprintable() else b""
    text = " ".join(text.split())
    return bytes.fromhex(re.sub("[ :-]", "", text)) if _SEPARATED.fullmatch(text) else b""


def _described(content: bytes) -> str:
    if not content.strip():
        return "nothing"
    return f"more than {MAX_BYTES} bytes" if len(content) > MAX_BYTES else "something else"
