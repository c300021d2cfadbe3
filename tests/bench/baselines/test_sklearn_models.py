"""The adapters of scikit-learn against the decompositions themselves."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn import decomposition

from bench.baselines.sklearn_models import NMF, PureSVD


def test_pure_svd_is_the_projection_on_the_leading_singular_vectors(tastes):
    model = PureSVD(factors=5).fit(tastes, show_progress=False)
    _, _, rows = np.linalg.svd(tastes.toarray(), full_matrices=False)
    leading = rows[:5].T
    assert np.allclose(model.score(np.arange(80)), tastes @ leading @ leading.T, atol=1e-3)


def test_pure_svd_scores_as_the_librarys_reconstruction(tastes):
    model = PureSVD(factors=5, iterations=3, random_state=4).fit(tastes, show_progress=False)
    library = decomposition.TruncatedSVD(5, n_iter=3, random_state=4).fit(tastes)
    assert np.allclose(model.score(np.arange(80)), library.inverse_transform(library.transform(tastes)), atol=1e-5)


def test_pure_svd_scores_a_user_anew_from_a_row(tastes):
    model = PureSVD(factors=5).fit(tastes, show_progress=False)
    again = model.recommend([3, 7], tastes[[3, 7]], recalculate_user=True)
    assert np.array_equal(again[0], model.recommend([3, 7], tastes[[3, 7]])[0])


@pytest.mark.filterwarnings("ignore:Maximum number of iterations")
def test_nmf_scores_as_the_librarys_reconstruction_and_is_not_negative(tastes):
    model = NMF(factors=5, regularization=0.001, iterations=30, random_state=4).fit(tastes, show_progress=False)
    library = decomposition.NMF(5, alpha_W=0.001, max_iter=30, random_state=4)
    theirs = library.inverse_transform(library.fit_transform(tastes))
    assert np.allclose(model.score(np.arange(80)), theirs, atol=1e-5)
    assert (model.user_factors >= 0).all()
    assert (model.item_factors >= 0).all()


def test_nmf_with_more_regularization_has_smaller_factors(tastes):
    small, large = (NMF(5, regularization=ridge).fit(tastes, show_progress=False) for ridge in (0.01, 0.0001))
    assert np.linalg.norm(small.item_factors) < np.linalg.norm(large.item_factors)


def test_nmf_gives_what_it_has_after_its_iterations_without_a_warning(tastes, recwarn):
    NMF(factors=5, iterations=1).fit(sp.csr_matrix(tastes), show_progress=False)
    assert not recwarn.list
