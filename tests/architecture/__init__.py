"""Rules of the code base that a machine can check, each with a planted violation that must be caught."""
