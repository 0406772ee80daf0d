"""The `port:` line, taken apart."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.errors import UsageError
from drivers.transport.address import PortAddress, Scheme


@pytest.mark.parametrize(
    ("text", "scheme", "rest"),
    [
        ("/dev/ttyUSB0", Scheme.DEVICE, ("/dev/ttyUSB0", "", 0)),
        ("hwgrep://0403:6001", Scheme.HWGREP, ("0403:6001", "", 0)),
        ("socket://bench-4:4059", Scheme.SOCKET, ("", "bench-4", 4059)),
        ("rfc2217://[::1]:4059", Scheme.RFC2217, ("", "::1", 4059)),
        ("listen::4059", Scheme.LISTEN, ("", "127.0.0.1", 4059)),
        ("listen:0.0.0.0:4059", Scheme.LISTEN, ("", "0.0.0.0", 4059)),
        ("pty:meter", Scheme.PTY, ("meter", "", 0)),
        ("emu:meter", Scheme.EMU, ("meter", "", 0)),
    ],
)
def test_a_port(text: str, scheme: Scheme, rest: tuple[str, str, int]) -> None:
    address = PortAddress.parse(text)
    assert address.scheme is scheme
    assert (address.name, address.host, address.tcp_port) == rest
    assert address.text == text


def test_a_relative_path_is_made_whole_and_its_link_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "meter").symlink_to("/dev/null")
    monkeypatch.chdir(tmp_path)
    assert PortAddress.parse("./meter").name == str(tmp_path / "meter")
    assert PortAddress.parse("./meter").text == str(tmp_path / "meter")


@pytest.mark.parametrize(
    "text",
    ["", "meter", "COM3", "pty:", "socket://:4059", "socket://a", "socket://a:0", "listen:", "/\0"],
)
def test_no_port(text: str) -> None:
    with pytest.raises(UsageError, match=r"port: "):
        PortAddress.parse(text)
