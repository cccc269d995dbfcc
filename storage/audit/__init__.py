"""The audit log as a hash chain: how an entry is sealed, how a log is checked, how its head is anchored outside.

What an entry says comes from the records' projection; where it is kept is `storage.records.auditing`.
"""
