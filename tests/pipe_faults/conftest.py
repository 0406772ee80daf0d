from __future__ import annotations

import sys
from pathlib import Path

# pipe_peers, beside this file, and the DLMS objects it serves.
sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "codecs"))
