"""Checks of traces that are large: many files, JSON lines or Parquet, more than memory holds.

The rules stand in `bench.conformance` and nowhere else. Here a trace is divided into shares, each
with all events of some installations; every share is judged by the streaming checker in a process
of its own, and the parts are put together (`bench.conformance.finding.merged`).
"""
