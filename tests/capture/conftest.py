from __future__ import annotations

import sys
from pathlib import Path

# Small devices on a line in memory, shared with the tests of the pipe faults.
sys.path.insert(0, str(Path(__file__).parents[1] / "pipe_faults"))
sys.path.insert(0, str(Path(__file__).parents[1] / "codecs"))
sys.path.insert(0, str(Path(__file__).parent))
