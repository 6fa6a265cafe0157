"""Parameters, FLOPs and memory of a model, from its config: counted here and nowhere else."""
