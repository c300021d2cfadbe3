"""irspack's weighted least squares (https://github.com/tohtsky/irspack): iALS with the losses of 2008 and of 2021."""

from __future__ import annotations

from typing import Any, Literal, Self

import numpy as np
import scipy.sparse as sp
from threadpoolctl import threadpool_limits

from bench.baselines.missing import import_library
from recsys_impl.base import FactorModel, ModelError, check_user_items
from recsys_impl.parameters import require
from recsys_impl.progress import Callback, epochs

SCALE_OF_START = 0.1  # irspack's own standard deviation of the initial factors, times the root of their number


def _irspack() -> Any:
    return import_library("irspack.recommenders", library="irspack", extra="irspack")


class IrspackALS(FactorModel):
    """``irspack.IALSRecommender``, on one thread: with more it adds up in another order from run to run.

    Minimises Σ_ui c_ui (p_ui - x_u·y_i)² + Σ_row λ (N_row + w n)^ν |row|² over all pairs: N_row is how many entries a
    row has, n its length. The two losses are:

    - ``"ialspp"`` (Rendle et al. 2021): an observed pair adds alpha * r to what it costs as an unobserved one;
    - ``"original"`` (Hu, Koren & Volinsky 2008): an observed pair has c = alpha * r, an unobserved one c = w. With
      ``unobserved_weight=1`` and ``regularization_scaling=0`` this is implicit's objective, which the library minimises
      when it is given alpha * r - w, zeros included.

    Parameters
    ----------
    regularization, regularization_scaling
        λ and ν: the library's reg and nu.
    unobserved_weight
        w: the library's alpha0.
    use_cg, cg_steps
        Conjugate gradient (the library's solver "CG") or Cholesky.
    racing_threads
        How many threads to let race; the same seed gives the same factors with one only.
    """

    def __init__(
        self,
        factors: int = 20,
        regularization: float = 0.001,
        alpha: float = 1.0,
        iterations: int = 16,
        use_cg: bool = True,
        cg_steps: int = 3,
        unobserved_weight: float = 0.1,
        regularization_scaling: float = 1.0,
        loss: Literal["ialspp", "original"] = "ialspp",
        random_state: int = 0,
        racing_threads: int = 1,
    ):
        _irspack()
        if loss not in ("ialspp", "original"):
            raise ModelError(f"IrspackALS: loss must be 'ialspp' or 'original', not {loss!r}")
        require("IrspackALS", factors=factors, iterations=iterations, cg_steps=cg_steps, at_least=1)
        require(
            "IrspackALS", regularization=regularization, alpha=alpha, unobserved_weight=unobserved_weight, at_least=0
        )
        self.factors = factors
        self.regularization = regularization
        self.alpha = alpha
        self.iterations = iterations
        self.use_cg = use_cg
        self.cg_steps = cg_steps
        self.unobserved_weight = unobserved_weight
        self.regularization_scaling = regularization_scaling
        self.loss = loss
        self.random_state = random_state
        self.racing_threads = racing_threads

    def fit(self, user_items: sp.csr_matrix, show_progress: bool = True, callback: Callback | None = None) -> Self:
        """Learn from a users x items CSR of interactions; ``callback(iteration, seconds)`` is called after each epoch.

        Raises
        ------
        ModelError
            No CSR, or with the loss "original" an interaction that weighs less than an unobserved one.
        """
        weights = self._weights(check_user_items(self, user_items))
        with threadpool_limits(1, user_api="blas"):
            model = _irspack().IALSRecommender(
                weights,
                n_components=self.factors,
                alpha0=self.unobserved_weight,
                reg=self.regularization,
                nu=self.regularization_scaling,
                init_std=SCALE_OF_START,
                solver_type="CG" if self.use_cg else "CHOLESKY",
                max_cg_steps=self.cg_steps,
                loss_type=self.loss.upper(),
                random_seed=self.random_state,
                n_threads=self.racing_threads,
            )
            model.start_learning()
            for _ in epochs(self.iterations, type(self).__name__, show_progress, callback):
                model.run_epoch()
                self.user_factors, self.item_factors = model.get_user_embedding(), model.get_item_embedding()
        return self

    def _weights(self, user_items: sp.csr_matrix) -> sp.csr_matrix:
        """What the library is to be given, so that an observed pair weighs what the loss says."""
        weights = user_items * np.float32(self.alpha)
        if self.loss == "ialspp":
            return weights
        weights.data -= np.float32(self.unobserved_weight)
        if (weights.data < 0).any():
            raise ModelError(
                "IrspackALS: with loss='original' no interaction may weigh less than an unobserved pair "
                f"({self.unobserved_weight}): raise alpha"
            )
        return weights
