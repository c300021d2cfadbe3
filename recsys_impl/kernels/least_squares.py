"""The half-step of alternating least squares: with one side's factors fixed, the other side's rows are independent.

For a row with observed columns j, confidences c_j and unobserved weight w the normal equations are

    (w Y'Y + λ I + Σ_j (c_j - w) y_j y_j') x = Σ_j (c_j (p_j - o_j) + w o_j) y_j - w Σ_all o_i y_i

where Y are the fixed factors, o the fixed side's biases (zeros without) and p_j = 1 where c_j > 0, else 0 (a negative
value is a confidence in dislike, as in implicit). Below, ``weights`` are the c_j - w and ``targets`` the factors of
y_j in the first sum.

The caller rotates Y into the eigenbasis of w Y'Y. There the part that all rows share is a diagonal D = d + λ (with the
row's own λ), and a product with it costs f instead of f². It is also the natural preconditioner: in the unknowns
D^½ x the matrix is the identity plus the few observed columns. Both solvers start from there.
"""

import numpy as np

from recsys_impl.kernels.compile import kernel
from recsys_impl.kernels.lapack import add_gram, add_outer, solve_positive_definite

FAST = {"reassoc", "contract", "nsz"}  # sums may be reordered, so that they become vector code; NaN stays NaN


@kernel
def _diagonal(spectrum, largest, ridge, diagonal, inverse):
    """Fill D = d + λ and D^-1; where D vanishes (λ = 0 and no factor reaches there), D^-1 is cut off: returns False."""
    floor = np.float32(1e-6) * (largest + ridge)
    if floor == 0:
        floor = np.float32(1)
    cut_off = np.int32(0)
    for f in range(len(spectrum)):
        d = spectrum[f] + ridge
        bounded = d if d > floor else floor
        cut_off = np.int32(cut_off + np.int32(d < floor))
        diagonal[f] = d
        inverse[f] = np.float32(1) / bounded
    return cut_off == 0


@kernel
def solve_rows(
    routines, scratch, start, stop, indptr, indices, weights, targets, fixed, spectrum, common, ridge, solution
):
    """Exact solution for rows start..stop by Cholesky; returns the first row that failed, or -1.

    indptr, indices, weights, targets: CSR. fixed (n, f) in the eigenbasis, spectrum (f,) the eigenvalues d, common (f,)
    the right side's last sum, ridge (rows,), solution (stop - start, f) is written.

    The observed columns are gathered as rows h_j = |weight_j|^½ D^-½ y_j of a block H, so that the matrix is I + H'H, a
    symmetric product of f x f. Of a row with fewer than f of them the other product is smaller (n x n):
    (I + H'H)^-1 b = b - H' (I + H H')^-1 H b. Columns of negative weight are gathered apart and subtracted.
    """
    factors = fixed.shape[1]
    longest = 1
    for row in range(start, stop):
        longest = max(longest, indptr[row + 1] - indptr[row])
    above, below = np.empty((longest, factors), np.float32), np.empty((longest, factors), np.float32)
    matrix, vector = np.empty((factors, factors), np.float32), np.empty(factors, np.float32)
    diagonal, scale = np.empty(factors, np.float32), np.empty(factors, np.float32)
    largest = spectrum.max()
    for row in range(start, stop):
        regular = _diagonal(spectrum, largest, ridge[row], diagonal, scale)
        scale[:] = np.sqrt(scale)
        n_above, n_below = 0, 0
        vector[:] = common
        for position in range(indptr[row], indptr[row + 1]):
            y = fixed[indices[position]]
            if weights[position] >= 0:
                gathered = above[n_above]
                n_above += 1
            else:
                gathered = below[n_below]
                n_below += 1
            root = np.sqrt(abs(weights[position]))
            for f in range(factors):
                gathered[f] = root * scale[f] * y[f]
                vector[f] += targets[position] * y[f]
        for f in range(factors):
            vector[f] *= scale[f]
        if n_above < factors and n_below == 0 and regular:
            failed = _solve_dual(routines, scratch, above[:n_above], matrix, vector)
        else:
            matrix[:] = 0
            for f in range(factors):
                matrix[f, f] = diagonal[f] * scale[f] ** 2
            add_gram(routines, scratch, above, n_above, 1.0, matrix)
            if n_below > 0:
                add_gram(routines, scratch, below, n_below, -1.0, matrix)
            failed = solve_positive_definite(routines, scratch, matrix, factors, vector)
        if failed:
            return row
        for f in range(factors):
            solution[row - start, f] = scale[f] * vector[f]
    return -1


@kernel(fastmath=FAST)
def _solve_dual(routines, scratch, gathered, matrix, vector):
    """vector <- (I + H'H)^-1 vector by the n x n system, H = gathered (n, f); matrix (f, f) is scratch."""
    n, factors = gathered.shape
    image = np.zeros(n, np.float32)
    for j in range(n):
        matrix[j, :n] = 0
        matrix[j, j] = 1
        for f in range(factors):
            image[j] += gathered[j, f] * vector[f]
    add_outer(routines, scratch, gathered, n, matrix)
    failed = solve_positive_definite(routines, scratch, matrix, n, image)
    for j in range(n):
        for f in range(factors):
            vector[f] -= image[j] * gathered[j, f]
    return failed


@kernel(fastmath=FAST)
def conjugate_gradient_rows(
    start, stop, indptr, indices, weights, targets, fixed, spectrum, common, ridge, steps, solution
):
    """A few steps of conjugate gradient from the present ``solution`` (Takács, Pilászy & Tikk 2011).

    Arguments as in ``solve_rows``. Preconditioned by D, so that a step more or less matters little: two bring an
    iteration of ALS as far as three without.
    """
    factors = fixed.shape[1]
    diagonal, inverse = np.empty(factors, np.float32), np.empty(factors, np.float32)
    residual, direction = np.empty(factors, np.float32), np.empty(factors, np.float32)
    image = np.empty(factors, np.float32)
    largest, no_common = spectrum.max(), not common.any()
    for row in range(start, stop):
        x = solution[row - start]
        first, last = indptr[row], indptr[row + 1]
        if first == last and no_common:
            x[:] = 0
            continue
        columns, row_weights, row_targets = indices[first:last], weights[first:last], targets[first:last]
        _diagonal(spectrum, largest, ridge[row], diagonal, inverse)
        for f in range(factors):
            residual[f] = common[f] - diagonal[f] * x[f]
        _add_observed(fixed, columns, row_weights, row_targets, True, x, residual)
        squared = np.float32(0)
        for f in range(factors):
            direction[f] = inverse[f] * residual[f]
            squared += direction[f] * residual[f]
        enough = np.float32(1e-12) * squared
        for _ in range(steps):
            if squared <= enough:
                break
            for f in range(factors):
                image[f] = -diagonal[f] * direction[f]
            _add_observed(fixed, columns, row_weights, row_targets, False, direction, image)
            curvature = np.float32(0)
            for f in range(factors):
                curvature -= direction[f] * image[f]
            step = squared / curvature
            before = squared
            squared = np.float32(0)
            for f in range(factors):
                x[f] += step * direction[f]
                residual[f] += step * image[f]
                squared += inverse[f] * residual[f] * residual[f]
            ratio = squared / before
            for f in range(factors):
                direction[f] = inverse[f] * residual[f] + ratio * direction[f]


@kernel(fastmath=FAST)
def _add_observed(fixed, columns, weights, targets, with_targets, vector, total):
    """total += Σ_j (targets_j - weights_j y_j·vector) y_j over a row's observed columns j.

    Four at a time, so that ``vector`` and ``total`` are read and written once for four: a third faster.
    """
    keep = np.float32(1 if with_targets else 0)
    fours = len(columns) // 4 * 4
    for j in range(0, fours, 4):
        a, b, c, d = fixed[columns[j]], fixed[columns[j + 1]], fixed[columns[j + 2]], fixed[columns[j + 3]]
        dot_a, dot_b, dot_c, dot_d = np.float32(0), np.float32(0), np.float32(0), np.float32(0)
        for f in range(len(vector)):
            dot_a += a[f] * vector[f]
            dot_b += b[f] * vector[f]
            dot_c += c[f] * vector[f]
            dot_d += d[f] * vector[f]
        dot_a = keep * targets[j] - weights[j] * dot_a
        dot_b = keep * targets[j + 1] - weights[j + 1] * dot_b
        dot_c = keep * targets[j + 2] - weights[j + 2] * dot_c
        dot_d = keep * targets[j + 3] - weights[j + 3] * dot_d
        for f in range(len(vector)):
            total[f] += dot_a * a[f] + dot_b * b[f] + dot_c * c[f] + dot_d * d[f]
    for j in range(fours, len(columns)):
        y = fixed[columns[j]]
        dot = np.float32(0)
        for f in range(len(vector)):
            dot += y[f] * vector[f]
        dot = keep * targets[j] - weights[j] * dot
        for f in range(len(vector)):
            total[f] += dot * y[f]
