"""Importers: public recordings turned into recordings of the contract (section 8)."""
