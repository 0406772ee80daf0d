"""The conformance checker: judges any trace by the rules of a strategy, whoever wrote it.

It reads the trace alone and shares no process and no retry logic with the engine, so it can judge
a foreign S1SP and catch our own. `checker` is the door: events in, a `Judgement` out. One rule is
one function, found by its theme: `waits`, `persistence`, `authorisation`, `validation`, `account`,
`file_set`, `absent`, `keys`, `smi`, `commissioning`.
"""
