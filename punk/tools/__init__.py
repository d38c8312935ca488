"""Tools: what the model is told of a Python callable, how its arguments are checked, and what it is told back."""
