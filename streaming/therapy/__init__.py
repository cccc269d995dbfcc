"""The therapy: the course that was ordered, the doses that the pumps gave, drugs, fluids and the dose decision."""
