"""Gates: forecasts as checks in CI. From a file of checks to verdicts."""
