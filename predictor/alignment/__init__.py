"""Response strategies: which way of writing the answers should train the model."""
