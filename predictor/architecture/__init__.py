"""What a model is and costs: parameters, FLOPs, memory, accelerators, money, energy."""
