"""Shared by all tests: the pytester plugin, for the tests of our own pytest plugin."""

pytest_plugins = ["pytester"]
