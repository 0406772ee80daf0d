"""What `smets1-bench emulate` prints is all that an independent client needs.

Gurux and dlms-cosem run in an interpreter of their own: see test_dlms_meter_peers.py.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

PEERS = os.environ.get("SMETS1_BENCH_PEERS")
pytestmark = pytest.mark.skipif(
    not PEERS, reason="needs a Python with dlms-cosem and gurux-dlms named in SMETS1_BENCH_PEERS"
)
COMMAND = Path(sys.executable).with_name("smets1-bench")
SCRIPTS = Path(__file__).parent / "peers"


@pytest.mark.parametrize("place", ["tcp", "pty"])
@pytest.mark.parametrize("security", ["none", "lls", "hls-gmac"])
@pytest.mark.parametrize("client", ["meter_with_gurux.py", "meter_with_dlms_cosem.py"])
def test_a_foreign_client_reads_and_rotates(
    client: str, security: str, place: str, tmp_path: Path
) -> None:
    assert PEERS
    port = (
        ("--port", "tcp:127.0.0.1:0")
        if place == "tcp"
        else ("--link", str(tmp_path / "meter"), "--no-pacing")
    )
    keys_file, state = tmp_path / "keys.json", tmp_path / "state"
    hosted = subprocess.Popen(
        [
            *(COMMAND, "emulate", "electricity-meter", *port, "--security", security),
            *("--write-keys", str(keys_file), "--state", str(state), "--json"),
        ],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"SMETS1_BENCH_LOCK_DIR": str(tmp_path)},
    )
    try:
        assert hosted.stdout is not None
        ready = json.loads(hosted.stdout.readline())
        keys = json.loads(keys_file.read_text())["meters"]["electricity"]
        question = {
            "port": ready["port"],
            "client": ready["addresses"]["clients"]["reader"]["address"],
            "security": security,
            "clock": "0.0.1.0.0.255",
            "register": "1.0.1.8.0.255",
            "security-setup": "0.0.43.0.0.255",
            "title": "534d420000000009",
            "encryption": keys["reader"],
            "authentication": keys["authentication"],
            "master": keys["master"],
            "counter": 41,
            "new": "51" * 16,
            "command-counter": 1 << 16,
        }
        if security == "lls":
            question["password"] = keys["password"]
        done = subprocess.run(
            [PEERS, str(SCRIPTS / client)],
            input=json.dumps(question),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        answer = json.loads(done.stdout.splitlines()[-1])
        print(answer["version"])
        assert "error" not in answer, answer
        assert answer["rotated"] is True
        kept = json.loads(state.read_text())["devices"]["electricity"]
        assert kept["meter"]["keys"]["slots"]["SUA"]["key"] == question["new"]
    finally:
        hosted.send_signal(signal.SIGTERM)
        out, _ = hosted.communicate()
    assert json.loads(out)["executed"] == {"rotate_key": 1}
