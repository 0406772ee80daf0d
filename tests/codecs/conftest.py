"""What all codec tests share: dlms_bench importable by its name, and how hard hypothesis tries.

No deadline: a busy machine is not a bug. SMETS1_BENCH_EXAMPLES=5000 makes a deep run.
"""

import os
import sys
from pathlib import Path

from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parent))

settings.register_profile(
    "codecs", deadline=None, max_examples=int(os.environ.get("SMETS1_BENCH_EXAMPLES", "100"))
)
settings.load_profile("codecs")
