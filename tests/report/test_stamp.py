"""The stamp of a run: what it rests on, by what every device said of itself."""

from __future__ import annotations

import pytest

from bench.result import DeviceRecord, kit_of

EMULATED = DeviceRecord("hub", "comms-hub", {"model": "CH-1"}, {}, True)
REAL = DeviceRecord("hub", "comms-hub", {"model": "CH-1"}, {}, False)
SILENT = DeviceRecord("hub", "comms-hub", {}, {}, False)


@pytest.mark.parametrize(
    ("devices", "stamp"),
    [
        ((), ""),
        ((EMULATED, EMULATED), "EMULATED"),
        ((REAL,), "REAL"),
        ((REAL, EMULATED), "MIXED"),
        ((SILENT,), "MIXED"),
        ((EMULATED, SILENT), "EMULATED"),
        ((REAL, SILENT), "MIXED"),
    ],
)
def test_stamp(devices: tuple[DeviceRecord, ...], stamp: str) -> None:
    assert kit_of(devices) == stamp
