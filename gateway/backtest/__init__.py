"""The backtest: recordings through the engine again, and what came of them in figures, under one profile or two."""
