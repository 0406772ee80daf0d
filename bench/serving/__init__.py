"""`smets1-bench serve`: runs in a browser, on this machine only unless told otherwise."""
