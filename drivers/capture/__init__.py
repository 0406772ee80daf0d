"""Captures: what passed through a byte pipe, with key material cut out. See docs/capture.md."""
