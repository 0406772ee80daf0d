"""The serial adapters of this machine, by the names that survive replugging."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from serial.tools.list_ports import comports
from serial.tools.list_ports_common import ListPortInfo

_BY_ID: Final = Path("/dev/serial/by-id")


@dataclass(frozen=True, slots=True)
class Adapter:
    """`port`: what to write into a station file, by id where the adapter has a name of its own.

    `device`: the kernel's name, which changes with the order of plugging. `usb`: vendor and
    product, hexadecimal, empty where it is no USB adapter.
    """

    port: str
    device: str
    description: str
    manufacturer: str = ""
    serial_number: str = ""
    usb: str = ""

    @property
    def by_id(self) -> bool:
        """Whether the port's name stays the same."""
        return self.port != self.device


def adapters(
    found: Callable[[], Iterable[ListPortInfo]] = comports, by_id: Path = _BY_ID
) -> list[Adapter]:
    """In the order of their ports. Opens nothing."""
    names = {os.path.realpath(link): str(link) for link in _links(by_id)}
    listed = (_adapter(each, names) for each in found())
    return sorted(listed, key=lambda adapter: adapter.port)


def _links(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir(), reverse=True)  # the first of several names wins
    except OSError:  # no adapter was ever plugged in, or the system names none
        return []


def _adapter(info: ListPortInfo, names: dict[str, str]) -> Adapter:
    device = str(info.device)
    usb = "" if info.vid is None else f"{info.vid:04x}:{info.pid:04x}"
    description = "" if info.description in (None, "n/a") else str(info.description)
    return Adapter(
        names.get(os.path.realpath(device), device),
        device,
        description,
        info.manufacturer or "",
        info.serial_number or "",
        usb,
    )
