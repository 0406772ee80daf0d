"""What docs/suites.md and docs/stations.md show runs, put together."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
COMMAND = Path(sys.executable).with_name("smets1-bench")
SUITES = (ROOT / "docs" / "suites.md").read_text(encoding="utf-8")
STATIONS = (ROOT / "docs" / "stations.md").read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def run(words: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(COMMAND), *words], cwd=folder, capture_output=True, text=True, timeout=100
    )


def test_the_suite_and_the_installation_of_the_docs_run(tmp_path: Path) -> None:
    suite, parties, installation = blocks(SUITES, "yaml")
    (station,) = [each for each in blocks(STATIONS, "yaml") if each.startswith("station: own\n")]
    (tmp_path / "my-first.yaml").write_text(suite, encoding="utf-8")
    done = run(["run", "my-first.yaml", "--scenario", "da-reply-lost", "--seed", "7"], tmp_path)
    assert done.returncode == 0, done.stderr + done.stdout

    (tmp_path / "my-home.yaml").write_text(installation, encoding="utf-8")
    indented = "".join(f"    {line}\n" for line in parties.splitlines())
    (tmp_path / "own.yaml").write_text(
        "suite: own\nscenarios:\n  - scenario: at-home\n    about: my own home\n"
        f"    installation: my-home.yaml\n{indented}    expect: {{outcome: commissioned}}\n",
        encoding="utf-8",
    )
    (tmp_path / "station.yaml").write_text(station, encoding="utf-8")
    words = ["run", "own.yaml", "--out", "out", "--station", "station.yaml"]
    done = run(words, tmp_path)
    assert done.returncode == 0, done.stderr + done.stdout
    assert (tmp_path / "out" / "report.html").is_file()
