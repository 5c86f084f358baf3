"""Data: from what a user has (numbers, lists, numpy, pandas, xarray) to what a model needs.

`bind(graph, data)` returns a `Bound`: every data node as a numpy array in its declared layout (dims in
declared order, then event axes), the sizes of the plates and their labels. Whatever does not fit is a
`DataError` that names the node.
"""

from gendsl.data.bind import Bound, bind

__all__ = ["Bound", "bind"]
