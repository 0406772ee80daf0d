"""A file that is there whole or not at all."""

from __future__ import annotations

from pathlib import Path

from bench.errors import BenchError


def write_file(path: Path, content: str | bytes) -> None:
    """Over what is there; text as UTF-8. Raises `BenchError` where it cannot be written."""
    unfinished = path.with_name(f"{path.name}.unfinished")
    try:
        unfinished.write_bytes(content.encode() if isinstance(content, str) else content)
        unfinished.replace(path)
    except OSError as error:
        raise BenchError(
            f"{path}: cannot be written: {error.strerror}", hint="is the disk full or read-only?"
        ) from None
