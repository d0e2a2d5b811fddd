"""`make fuzz`: malformed input for every reader of bytes that others write.

One target a file in targets/: where its input comes from, and which properties must hold. An input
that breaks one is a finding: it is written to a file and counted. A finding that was mended becomes
a named case in tests/fuzz. Decision 0043 says why the mutator is our own.
"""
