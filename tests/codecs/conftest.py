"""Lets the tests here import what they share (dlms_bench) by its name."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
