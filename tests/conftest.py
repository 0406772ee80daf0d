"""Shared by all tests: pytester for our own plugin, and how hypothesis searches."""

import os

from hypothesis import HealthCheck, settings

pytest_plugins = ["pytester"]

# A test asserts no time, so neither does hypothesis; in CI a run can be repeated to the byte.
settings.register_profile(
    "bench",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=bool(os.environ.get("CI")),
    max_examples=int(os.environ.get("SMETS1_BENCH_EXAMPLES", "100")),
)
settings.load_profile("bench")
