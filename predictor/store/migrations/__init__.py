"""How the database of an older workspace becomes one of today: a file a step in ``versions/``."""
