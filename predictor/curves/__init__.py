"""One run over time or data: where it ends."""
