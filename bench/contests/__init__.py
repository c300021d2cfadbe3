"""Speed beside the libraries: same data, same factors, same threads, one process, in turn."""
