"""Loss over parameters, tokens and compute: scaling laws, and what to train for a budget."""
