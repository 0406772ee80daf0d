"""The short form of `python -m tests.journal.lineage`: kill -9 on real processes, real time."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize("story", ["rotation", "retry"])
def test_killed_at_random_moments_and_taken_up(story: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.journal.lineage", story, "3"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{story}: 3 kills at random moments in 1 runs" in done.stdout
    assert "; 0 lost, done twice or wrongly believed" in done.stdout
