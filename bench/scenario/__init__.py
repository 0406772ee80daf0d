"""One scenario: its stage is set, the process runs, and what it left is kept.

`run` plays it and returns `ran.Ran`. `preconditions` says whether it may touch the kit, `guarding`
leaves real kit as it was found, `script` takes the events into the trace, and `keeping` writes all
of it to the journal of a run, where there is one.
"""
