"""BLAS and LAPACK from inside compiled code, by the addresses that SciPy publishes.

Numba's ``np.dot`` and ``np.linalg`` offer neither a symmetric update nor a Cholesky solve in place, and plain loops
were four times slower. The addresses are handed to a kernel as an argument: as constants they would keep it from being
cached. Everything goes by reference, as Fortran wants it; a C-ordered (n, f) array is Fortran's (f, n).
"""

from typing import NamedTuple

import numba
import numpy as np
from llvmlite import ir
from numba.core import cgutils
from numba.extending import get_cython_function_address, intrinsic
from numpy.typing import NDArray

from recsys_impl.kernels.compile import kernel

ROUTINES = np.array(
    [
        get_cython_function_address("scipy.linalg.cython_blas", "ssyrk"),
        get_cython_function_address("scipy.linalg.cython_lapack", "sposv"),
    ],
    dtype=np.int64,
)


class Scratch(NamedTuple):
    """One thread's memory for the scalars that Fortran takes by reference."""

    letters: NDArray[np.uint8]
    integers: NDArray[np.int32]
    numbers: NDArray[np.float32]


def scratch() -> Scratch:
    return Scratch(np.frombuffer(b"LNT", np.uint8).copy(), np.zeros(4, np.int32), np.zeros(2, np.float32))


@intrinsic
def _call(typingctx, address, pointers):
    """Call the void function at ``address`` with ``pointers``, all of them given as int64."""

    def codegen(context, builder, signature, values):
        arguments = cgutils.unpack_tuple(builder, values[1])
        pointer = ir.IntType(8).as_pointer()
        function = ir.FunctionType(ir.VoidType(), [pointer] * len(arguments)).as_pointer()
        builder.call(
            builder.inttoptr(values[0], function), [builder.inttoptr(argument, pointer) for argument in arguments]
        )
        return context.get_dummy_value()

    return numba.void(numba.int64, pointers), codegen


@kernel(inline="always")
def _at(array):
    return np.int64(array.ctypes.data)


@kernel
def add_gram(routines, scratch, rows, n, sign, gram):
    """gram += sign rows[:n]' rows[:n], in one triangle. rows float32 (m, f), gram float32 (f, f)."""
    scratch.integers[0], scratch.integers[1] = rows.shape[1], n
    scratch.numbers[0], scratch.numbers[1] = sign, 1.0
    letters, integers, numbers = _at(scratch.letters), _at(scratch.integers), _at(scratch.numbers)
    factors, observed = integers, integers + 4
    _call(
        routines[0],
        (letters, letters + 1, factors, observed, numbers, _at(rows), factors, numbers + 4, _at(gram), factors),
    )


@kernel
def add_outer(routines, scratch, rows, n, outer):
    """outer[:n, :n] += rows[:n] rows[:n]', in one triangle. rows float32 (m, f), outer float32 (f, f), n <= f."""
    scratch.integers[0], scratch.integers[1] = rows.shape[1], n
    scratch.numbers[0], scratch.numbers[1] = 1.0, 1.0
    letters, integers, numbers = _at(scratch.letters), _at(scratch.integers), _at(scratch.numbers)
    factors, observed = integers, integers + 4
    _call(
        routines[0],
        (letters, letters + 2, observed, factors, numbers, _at(rows), factors, numbers + 4, _at(outer), factors),
    )


@kernel
def solve_positive_definite(routines, scratch, matrix, n, vector):
    """Overwrite ``vector[:n]`` with matrix[:n, :n]^-1 vector and ``matrix`` (f, f) with its factor; LAPACK's info."""
    scratch.integers[0], scratch.integers[1], scratch.integers[2], scratch.integers[3] = n, 1, 0, matrix.shape[1]
    integers = _at(scratch.integers)
    size, one, info, stride = integers, integers + 4, integers + 8, integers + 12
    _call(routines[1], (_at(scratch.letters), size, one, _at(matrix), stride, _at(vector), stride, info))
    return scratch.integers[2]
