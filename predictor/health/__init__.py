"""Run health: is this run sound, and is it worth going on."""
