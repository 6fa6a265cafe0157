"""Which model compresses most per FLOP: information capacity, and what a sibling would reach."""
