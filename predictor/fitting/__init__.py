"""Laws, the solver, uncertainty, Fit and Forecast: what all predictors share."""
