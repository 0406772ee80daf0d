"""Evidence for somebody who was not there: what a run left, in one file that can be verified.

`packing` makes a pack of a run's folder, `verifying` says of a pack what is proven and what is
not. Both derive from the trace whatever can be derived from it, and believe no file.
"""
