"""A patient on high-dose interleukin-2 as a state that is stepped: what is given acts, and what acts wears off."""
