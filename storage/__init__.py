"""What is kept: the journal (the truth), the time series and the records (projections of it)."""
