"""One small run for all tests of evidence; nobody changes it in place."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bench.evidence.packing import pack
from tests.evidence.runs import SIGNER, small_run


@pytest.fixture(scope="session")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_run(tmp_path_factory.mktemp("evidence"))


@pytest.fixture
def folder(ran: Path, tmp_path: Path) -> Path:
    """A copy of the run's folder that a test may change."""
    return Path(shutil.copytree(ran, tmp_path / "out"))


@pytest.fixture(scope="session")
def signed(ran: Path) -> bytes:
    return pack(ran, SIGNER).content
