from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.clock import WallClock

sys.path.insert(0, str(Path(__file__).parent))  # real_ports, beside this file

from real_ports import Adapter


@pytest.fixture
def clock() -> WallClock:
    return WallClock()


@pytest.fixture
def adapter(tmp_path: Path) -> Iterator[Adapter]:
    adapter = Adapter(tmp_path / "usb-meter")
    yield adapter
    adapter.close()
