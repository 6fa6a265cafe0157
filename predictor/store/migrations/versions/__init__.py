"""The steps, each with what came before it."""
