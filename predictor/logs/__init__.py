"""Every log format in, one RunLog (or ItemLog, ResponseLog) out."""

from predictor.logs.reading import read_logs
from predictor.logs.tables import ItemLog, ResponseLog, RunLog

__all__ = ["ItemLog", "ResponseLog", "RunLog", "read_logs"]
