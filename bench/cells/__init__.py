"""Where cells run: each in a process of its own, so that its memory, its time limit and its crash are its own.

``job.py`` is what a child is told, ``child.py`` what it does, ``forkserver.py`` and ``starting.py`` how it is started,
``limits.py`` and ``watching.py`` how it is watched, ``running.py`` one job from its start to the files of its cell, and
``pool.py`` many jobs side by side.
"""
