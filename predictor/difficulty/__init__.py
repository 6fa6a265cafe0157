"""Benchmarks: what the large model will score, from which items small models get right."""
