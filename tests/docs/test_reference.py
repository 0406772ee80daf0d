"""docs/reference is what the code says today."""

from __future__ import annotations

import pytest

from tests.docs.reference import FOLDER, PAGES, make


@pytest.mark.parametrize("name", PAGES)
def test_the_reference_is_current(name: str) -> None:
    written = (FOLDER / name).read_text(encoding="utf-8")
    assert written == make(name), "run `make docs` and look at what changed"


def test_the_folder_holds_nothing_else() -> None:
    assert {path.name for path in FOLDER.iterdir()} == set(PAGES)
