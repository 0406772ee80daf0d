"""Which version of the bench this is, and what it runs on: every result names it."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
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


def this_program() -> str:
    """Version and commit, where there is one, in a line."""
    return f"{tool_version()} {tool_commit()}".strip()


def software() -> dict[str, str]:
    """Names and versions: the bench, Python, the system, and each package that the bench needs."""
    return {
        "tool": tool_version(),
        "commit": tool_commit(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "system": f"{platform.system()} {platform.release()}, {platform.machine()}",
        **dict(sorted(_packages())),
    }


def _packages() -> Iterator[tuple[str, str]]:
    for requirement in requires("smets1-bench") or ():
        name = re.split(r"[^A-Za-z0-9_.-]", requirement, maxsplit=1)[0]
        if "extra" in requirement.partition(";")[2]:
            continue
        try:
            yield name, version(name)
        except PackageNotFoundError:
            yield name, "not installed"
