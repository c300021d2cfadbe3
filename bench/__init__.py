"""recsys-bench: which collaborative filtering model to take, with numbers that can be believed."""
