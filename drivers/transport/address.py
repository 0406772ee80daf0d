"""The `port:` line of a station file, taken apart."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Self

from bench.errors import UsageError

_EXPECTED = (
    "a device path such as /dev/serial/by-id/…, hwgrep://…, socket://host:port, "
    "rfc2217://host:port, listen:host:port, pty:NAME or emu:NAME"
)


class Scheme(StrEnum):
    DEVICE = "device"
    HWGREP = "hwgrep"
    SOCKET = "socket"
    RFC2217 = "rfc2217"
    LISTEN = "listen"
    PTY = "pty"
    EMU = "emu"


@dataclass(frozen=True, slots=True)
class PortAddress:
    """`text` is what the station file says, a relative path from the current folder made whole;
    `name` is a path or an emulated port's name.
    """

    scheme: Scheme
    text: str
    name: str = ""
    host: str = ""
    tcp_port: int = 0

    @classmethod
    def parse(cls, text: str) -> Self:
        """`UsageError` says what is expected."""
        scheme, _, rest = text.partition(":")
        if "\0" in text:
            raise UsageError(f"port: expected {_EXPECTED}, got {text!r}")
        if text.startswith(("./", "../")):
            text = str(Path.cwd() / text)  # links stay: they name a device that comes and goes
        if text.startswith("/"):
            return cls(Scheme.DEVICE, text, name=text)
        if scheme in (Scheme.PTY, Scheme.EMU) and rest:
            return cls(Scheme(scheme), text, name=rest)
        if scheme == Scheme.HWGREP and rest.startswith("//") and len(rest) > 2:
            _check_pattern(text, rest[2:])
            return cls(Scheme.HWGREP, text, name=rest[2:])
        if scheme in (Scheme.SOCKET, Scheme.RFC2217) and rest.startswith("//"):
            host, tcp_port = _host_and_port(text, rest[2:])
            if not host:
                raise UsageError(f"port: {text}: the host is missing")
            return cls(Scheme(scheme), text, host=host, tcp_port=tcp_port)
        if scheme == Scheme.LISTEN and rest:
            # Only a host that was asked for is listened on; else nobody outside reaches us.
            host, tcp_port = _host_and_port(text, rest)
            return cls(Scheme.LISTEN, text, host=host or "127.0.0.1", tcp_port=tcp_port)
        raise UsageError(f"port: expected {_EXPECTED}, got {text!r}")

    @property
    def in_memory(self) -> bool:
        """Only such a port may run under a virtual clock."""
        return self.scheme is Scheme.EMU

    @property
    def emulated(self) -> bool:
        return self.scheme in (Scheme.EMU, Scheme.PTY)


def _check_pattern(text: str, pattern: str) -> None:
    """What follows `&` are options of the look-up, no part of the pattern."""
    try:
        re.compile(pattern.partition("&")[0])
    except re.error as error:
        raise UsageError(f"port: {text}: expected a regular expression: {error}") from None


def _host_and_port(text: str, rest: str) -> tuple[str, int]:
    host, _, number = rest.rpartition(":")
    if not number.isascii() or not number.isdigit() or not 0 < int(number[:6]) < 65_536:
        raise UsageError(f"port: {text}: expected host:port with a port of 1 to 65535")
    return host.removeprefix("[").removesuffix("]"), int(number)
