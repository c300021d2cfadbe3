"""What other programs call precision, recall, NDCG, ... for the same lists: one file a program, one function a metric.

A function here stands only where a definition differs from that of ``bench/metrics.py``; ``table.py`` says which is
which, with a sentence on the difference.
"""
