"""Mutants of the real engine: edits in the source of its functions, undone after the test."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable
from typing import Any

import pytest

Patch = Callable[[pytest.MonkeyPatch], None]


def edit(function: Any, *changes: str) -> Patch:
    """Old and new text in turn, of the function's source, wherever it is held by name already."""

    def patch(monkeypatch: pytest.MonkeyPatch) -> None:
        source = textwrap.dedent(inspect.getsource(function))
        for old, new in zip(changes[::2], changes[1::2], strict=True):
            assert source.count(old) == 1, f"{function.__qualname__}: expected once: {old}"
            source = source.replace(old, new)
        code = compile(
            "from __future__ import annotations\n" + source,
            f"<mutant of {function.__qualname__}>",
            "exec",
        )
        made: dict[str, Any] = {}
        exec(code, dict(function.__globals__), made)
        monkeypatch.setattr(function, "__code__", made[function.__name__].__code__)

    return patch
