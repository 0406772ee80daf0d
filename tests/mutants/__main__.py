"""`python tests/mutants [MUTANTS]`: mutants of every trace, and the kill rate of each rule."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from mutating import constructed, from_fixtures, run

tally = run({**constructed(), **from_fixtures()}, int(sys.argv[1]) if len(sys.argv) > 1 else 200)
print("\n".join(tally.table()))
print("\n".join(tally.disagreements[:50]))
sys.exit(bool(tally.disagreements))
