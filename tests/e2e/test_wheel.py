"""The wheel alone runs the default suite, from an empty folder, without the checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def _run(words: list[str], folder: Path) -> str:
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, env=env, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_an_installed_wheel_runs_the_default_suite(tmp_path: Path) -> None:
    _run(
        [
            sys.executable,
            "-m",
            "build",
            "--wheel",
            "--no-isolation",
            "-o",
            str(tmp_path),
            str(ROOT),
        ],
        ROOT,
    )
    (wheel,) = tmp_path.glob("*.whl")
    venv.create(tmp_path / "venv", with_pip=False)
    python = tmp_path / "venv" / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps"]
    _run([*pip, str(wheel)], tmp_path)
    # The dependencies are lent by path; editable installs are not followed through such a path.
    (site,) = (tmp_path / "venv" / "lib").glob("python3*/site-packages")
    (site / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")

    empty = tmp_path / "empty"
    empty.mkdir()
    where = _run([str(python), "-c", "import bench; print(bench.__file__)"], empty)
    assert where.startswith(str(site)), where
    command = str(python.with_name("smets1-bench"))
    out = _run([command, "run", "--json"], empty)
    record = json.loads(out)
    assert record["verdict"] == "pass"
    assert record["commit"] == ""
    assert (empty / "runs" / "latest" / "report.html").is_file()
