"""The rows of the clinical tables, each with its criterion and what it says at its boundary. Written by hand."""
