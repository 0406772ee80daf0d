"""A farm: one suite on many stations at once, each run in a process of its own, one report."""
