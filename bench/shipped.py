"""The fixtures that come with the bench: found the same way from a checkout and from a wheel."""

from __future__ import annotations

from pathlib import Path

from bench.errors import UsageError
from bench.spelling import did_you_mean


def fixtures() -> Path:
    """The folder of shipped fixtures: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).parent
    inside = package / "fixtures"
    return inside if inside.is_dir() else package.parent / "fixtures"


def names(kind: str) -> list[str]:
    """Names of what is shipped of a kind: `suites`, `installations`, `stations`, …"""
    return sorted(path.stem for path in (fixtures() / kind).glob("*.yaml"))


def find(kind: str, given: str, beside: Path | None = None) -> Path:
    """The file meant by `given`: a path (relative to `beside`), or the name of a shipped one."""
    if given.endswith((".yaml", ".yml")) or "/" in given:
        path = Path(given)
        return path if beside is None or path.is_absolute() else beside / path
    path = fixtures() / kind / f"{given}.yaml"
    if not path.is_file():
        known = names(kind)
        near = did_you_mean(given, known)
        what = "mix" if kind == "mixes" else kind.removesuffix("s")
        raise UsageError(
            f"no {what} is called '{given}'{near or '; shipped: ' + ', '.join(known)}",
            hint=f"name a shipped {what}, or give the path of a .yaml file",
        )
    return path
