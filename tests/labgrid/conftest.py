"""One laboratory for all tests of a process; after each test the place is free and the mains on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.labgrid.lab import Lab, laboratory


@pytest.fixture(scope="session")
def shared_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with laboratory(tmp_path_factory.mktemp("lab")) as lab:
        yield lab


@pytest.fixture
def lab(shared_lab: Lab) -> Iterator[Lab]:
    shared_lab.said.from_now()
    yield shared_lab
    assert shared_lab.holder() == ""
    assert shared_lab.mains.on == {"0": True, "1": True}
