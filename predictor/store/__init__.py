"""The workspace: uploaded logs and the forecasts made from them, kept."""
