"""The other parties of a migration: each behaves as its behaviour in `bench.emulation` says.

What a party does later (a file, an authorisation, a resolved incident) is on the clock's agenda
and reaches the S1SP's inbox; a request to it takes its time on the clock.
"""
