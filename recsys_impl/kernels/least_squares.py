"""The half-step of alternating least squares: with one side's factors fixed, the other side's rows are independent.

For a row with observed columns i, confidences c_i and unobserved weight w the normal equations are

    (w Y'Y + Σ_i (c_i - w) y_i y_i' + λ I) x = Σ_i (c_i (p_i - o_i) + w o_i) y_i - w Σ_all o_j y_j

where Y are the fixed factors, o the fixed side's biases (zeros without) and p_i = 1 where c_i > 0, else 0 (a negative
value is a confidence in dislike, as in implicit). Y'Y and the last sum are the same for all rows and come in as
``gram`` and ``common``.
"""

import numpy as np

from recsys_impl.kernels.compile import kernel
from recsys_impl.kernels.lapack import add_gram, solve_positive_definite


@kernel
def solve_rows(
    routines, scratch, start, stop, indptr, indices, confidence, fixed, offset, gram, common, weight, ridge, solution
):
    """Exact solution for rows start..stop by Cholesky; returns the first row that failed, or -1.

    indptr, indices, confidence: CSR. fixed (n, f), offset (n,), gram = w Y'Y (f, f), common (f,), ridge (rows,),
    solution (rows, f) is written. The observed rows are gathered, scaled by sqrt|c - w|, into one block, so that the
    sum of outer products is a symmetric matrix product; those with c < w are gathered from the block's end and
    subtracted.
    """
    factors = fixed.shape[1]
    longest = 1
    for row in range(start, stop):
        longest = max(longest, indptr[row + 1] - indptr[row])
    above, below = np.empty((longest, factors), np.float32), np.empty((longest, factors), np.float32)
    matrix, vector = np.empty((factors, factors), np.float32), np.empty(factors, np.float32)
    for row in range(start, stop):
        n_above, n_below = 0, 0
        matrix[:] = gram
        vector[:] = common
        for position in range(indptr[row], indptr[row + 1]):
            column, signed = indices[position], confidence[position]
            c = abs(signed)
            pull = weight * offset[column] - c * offset[column]
            if signed > 0:
                pull += c
            y = fixed[column]
            scale = np.float32(np.sqrt(abs(c - weight)))
            if c >= weight:
                gathered = above[n_above]
                n_above += 1
            else:
                gathered = below[n_below]
                n_below += 1
            for f in range(factors):
                gathered[f] = scale * y[f]
                vector[f] += pull * y[f]
        add_gram(routines, scratch, above, n_above, 1.0, matrix)
        if n_below > 0:
            add_gram(routines, scratch, below, n_below, -1.0, matrix)
        for f in range(factors):
            matrix[f, f] += ridge[row]
        if solve_positive_definite(routines, scratch, matrix, vector) != 0:
            return row
        solution[row] = vector
    return -1


@kernel(fastmath={"reassoc", "contract", "nsz"})
def conjugate_gradient_rows(
    start, stop, indptr, indices, confidence, fixed, offset, gram, common, weight, ridge, steps, solution
):
    """A few steps of conjugate gradient from the present ``solution`` (Takács, Pilászy & Tikk 2011).

    Shapes as in ``solve_rows``. The matrix is never formed: its product with a vector reads each observed row once,
    the dot product and the update in one go.
    """
    factors = fixed.shape[1]
    residual, direction = np.empty(factors, np.float32), np.empty(factors, np.float32)
    image = np.empty(factors, np.float32)
    for row in range(start, stop):
        x = solution[row]
        first, last = indptr[row], indptr[row + 1]
        if first == last and not common.any():
            x[:] = 0
            continue
        # residual = b - A x
        for f in range(factors):
            total = common[f] - ridge[row] * x[f]
            for g in range(factors):
                total -= gram[f, g] * x[g]
            residual[f] = total
        for position in range(first, last):
            column, signed = indices[position], confidence[position]
            c = abs(signed)
            y = fixed[column]
            dot = np.float32(0)
            for f in range(factors):
                dot += y[f] * x[f]
            pull = (weight - c) * (offset[column] + dot)
            if signed > 0:
                pull += c
            for f in range(factors):
                residual[f] += pull * y[f]
        direction[:] = residual
        squared = np.float32(0)
        for f in range(factors):
            squared += residual[f] * residual[f]
        for _ in range(steps):
            if squared < 1e-20:
                break
            for f in range(factors):
                total = ridge[row] * direction[f]
                for g in range(factors):
                    total += gram[f, g] * direction[g]
                image[f] = total
            for position in range(first, last):
                y = fixed[indices[position]]
                dot = np.float32(0)
                for f in range(factors):
                    dot += y[f] * direction[f]
                dot *= abs(confidence[position]) - weight
                for f in range(factors):
                    image[f] += dot * y[f]
            curvature = np.float32(0)
            for f in range(factors):
                curvature += direction[f] * image[f]
            step = squared / curvature
            before = squared
            squared = np.float32(0)
            for f in range(factors):
                x[f] += step * direction[f]
                residual[f] -= step * image[f]
                squared += residual[f] * residual[f]
            ratio = squared / before
            for f in range(factors):
                direction[f] = residual[f] + ratio * direction[f]
