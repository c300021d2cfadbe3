"""Symmetric matrices of which one triangle is computed."""

import numpy as np

from recsys_impl.kernels.compile import kernel


@kernel
def add_gram(first, last, indptr, indices, data, rows_indptr, rows, gram):
    """Add rows first..last of X'X's upper triangle to ``gram`` float32 (m, m).

    X is a CSR (n, m) with sorted columns, no pair twice; ``rows`` lists, column by column, the rows that have it
    (X's CSC structure). A sparse X'X would take three times the memory of the dense one where few pairs are zero.

    A cursor per row of X stands at the next column to be worked on, so that only what comes after it is read. Sums go
    to one row of ``gram`` at a time, 100 KB for 27,000 items, which stays in the cache.
    """
    cursors = np.empty(len(indptr) - 1, np.int64)
    for row in range(len(cursors)):
        cursors[row] = indptr[row] + np.searchsorted(indices[indptr[row] : indptr[row + 1]], first)
    for column in range(first, last):
        for place in range(rows_indptr[column], rows_indptr[column + 1]):
            row = rows[place]
            start = cursors[row]
            cursors[row] = start + 1
            value = data[start]
            for other in range(start, indptr[row + 1]):
                gram[column, indices[other]] += value * data[other]


@kernel
def mirror_lower(matrix):
    """Copy the lower triangle of a square matrix onto the upper one, in tiles that fit the cache."""
    n, tile = len(matrix), 64
    for row_start in range(0, n, tile):
        for column_start in range(0, row_start + 1, tile):
            for row in range(row_start, min(row_start + tile, n)):
                for column in range(column_start, min(column_start + tile, row)):
                    matrix[column, row] = matrix[row, column]


@kernel
def quadratic_forms(indptr, indices, data, matrix, forms):
    """x' M x for each sparse column x of a CSC (n, m). M symmetric float32 (n, n), ``forms`` float64 (m,) is filled."""
    for column in range(len(forms)):
        total = 0.0
        for place in range(indptr[column], indptr[column + 1]):
            row = matrix[indices[place]]
            for other in range(indptr[column], place):
                total += 2.0 * data[place] * row[indices[other]] * data[other]
            total += data[place] * row[indices[place]] * data[place]
        forms[column] = total
