"""Drivers and emulators over ptys, beside peers: `python -m benchmarks.wire`."""
