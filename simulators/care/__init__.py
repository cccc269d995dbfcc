"""The people at the bedside, simulated: a pharmacy that prepares, a nurse who looks, charts, gives, holds and signs."""
