"""Which version of the bench this is: every result names it."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path


def tool_version() -> str:
    return f"smets1-bench {version('smets1-bench')}"


def tool_commit() -> str:
    """The commit of the checkout the bench runs from; empty when it was installed from a wheel."""
    git = Path(__file__).parent.parent / ".git"
    try:
        head = (git / "HEAD").read_text().strip()
        if not head.startswith("ref: "):
            return head
        ref = head.removeprefix("ref: ")
        loose = git / ref
        if loose.is_file():
            return loose.read_text().strip()
        packed = (git / "packed-refs").read_text().splitlines()
        return next((line.split()[0] for line in packed if line.endswith(f" {ref}")), "")
    except OSError:
        return ""
