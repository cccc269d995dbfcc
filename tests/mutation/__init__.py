"""Mutation runs: small faults are put into the rules and the decision, one at a time, and the tests must notice.

`python -m tests.mutation --help`. Nothing is written into the source tree: a mutant lives in a forked process.
"""
