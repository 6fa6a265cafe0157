"""One module a log format, each with its ``READER``."""
