"""What ``python -m bench doctor`` looks at. (A module ``bench.doctor`` would hide the function of that name.)"""
