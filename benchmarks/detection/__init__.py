"""How many incidents the judgement by learned limits finds, how soon, and how often it is wrong."""
