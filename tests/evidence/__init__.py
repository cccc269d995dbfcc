"""Evidence: what Vigil makes of recordings of real patients, and whether an independent count says the same."""
