"""A library that isn't there."""
