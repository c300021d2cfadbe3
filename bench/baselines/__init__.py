"""Other people's models behind the interface of ours, one thin adapter file a library.

An adapter trains the library's own model and takes out what it learned (factors and biases, or item-item weights). All
that follows, from scores to similar items, is the code of ``recsys_impl.base``: so every model is ranked the same way.
The library is imported when a model is constructed: a model that is only listed costs nothing, and a fit that is timed
does not pay for the import.
"""
