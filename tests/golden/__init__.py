"""Results that are kept with the sources, and must stay what they are until somebody looks."""
