"""A simulated 14-dose course with capillary leak: the patient's story, and what has to be said of it."""
