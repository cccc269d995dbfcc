"""The schema of the records, step by step. Applied by `storage.records.schema`.

A step that was released never changes.
"""
