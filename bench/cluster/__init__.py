"""Cells on the workers of a Dask cluster (extra ``cluster``): the driver hands them out and alone writes the store.

``connection.py`` finds the cluster, ``roster.py`` knows who is there, ``agreement.py`` refuses workers with other
versions, ``parcels.py`` is what a worker needs to run a cell, ``cluster.py`` hands cells out, and ``remote.py`` is what
happens on a worker.
"""
