"""Rules as data: the closed set of kinds, their parsing from a profile, and their evaluation."""
