"""How each kind of question about a patient is answered, a module a family of kinds; `criteria.evaluate` puts them."""
