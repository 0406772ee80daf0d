from __future__ import annotations

import sys
from pathlib import Path

# pipe_peers, beside this file, the DLMS objects it serves, and stand-ins for real ports.
sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "codecs"))
sys.path.insert(0, str(Path(__file__).parents[1] / "transport"))
