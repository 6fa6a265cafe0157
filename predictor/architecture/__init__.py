"""What a model is and what training it costs: parameters, FLOPs, accelerators, money, energy."""
