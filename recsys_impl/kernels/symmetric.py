"""A symmetric matrix whose lower triangle alone was computed."""

from recsys_impl.kernels.compile import kernel


@kernel
def mirror_lower(matrix):
    """Copy the lower triangle of a square matrix onto the upper one, in tiles that fit the cache."""
    n, tile = len(matrix), 64
    for row_start in range(0, n, tile):
        for column_start in range(0, row_start + 1, tile):
            for row in range(row_start, min(row_start + tile, n)):
                for column in range(column_start, min(column_start + tile, row)):
                    matrix[column, row] = matrix[row, column]
