"""What a part promises at its border, checked against every implementation of it."""
