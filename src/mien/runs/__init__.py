"""Runs on disk: the folder of a training, its checkpoints, its temperatures, and loading them."""
