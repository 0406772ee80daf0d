"""The fault grid: what can go wrong at each message and each step, run through and judged.

`cell` names one run, `trial` runs it on the real engine, `judging` says by the emulator's truth
how it ended. `schedules` and `singles` say which cells there are, `tally` counts them, `working`
spreads them over processes. Nothing here knows how the engine decides anything.
"""
