"""Hyper-parameter search: every model with the same budget, on a validation part that is cut from train.

``spaces.toml`` says what is searched, ``run.py`` is the recipe, ``study.py`` is the only module that knows Optuna, and
``child.py`` is the process that trains and judges.
"""
