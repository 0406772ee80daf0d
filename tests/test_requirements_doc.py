"""docs/requirements.md is what the strategy, the suites and the traces give today."""

from tests.requirements_doc import TARGET, make


def test_the_requirements_matrix_is_current() -> None:
    assert TARGET.read_text(encoding="utf-8") == make(), "run `make docs` and look at what changed"
