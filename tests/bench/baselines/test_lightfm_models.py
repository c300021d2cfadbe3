"""The adapters of LightFM against LightFM itself."""

import numpy as np
import pytest

from bench.baselines.lightfm_models import LightFMBPR, LightFMWARP

pytest.importorskip("lightfm", reason="lightfm-next isn't installed")
from lightfm import LightFM


@pytest.mark.parametrize(("model_class", "loss"), [(LightFMWARP, "warp"), (LightFMBPR, "bpr")])
def test_epoch_by_epoch_gives_the_scores_of_one_fit_of_the_library(tastes, model_class, loss):
    model = model_class(6, learning_rate=0.04, regularization=1e-3, iterations=7, random_state=2)
    model.fit(tastes, show_progress=False)
    library = LightFM(6, loss=loss, learning_rate=0.04, item_alpha=1e-3, user_alpha=1e-3, random_state=2)
    library.fit(tastes.tocoo(), epochs=7, num_threads=1)
    assert np.array_equal(model.item_factors, library.item_embeddings)
    users, items = (grid.ravel() for grid in np.indices(tastes.shape, dtype=np.int32))
    assert np.allclose(model.score(np.arange(80)).ravel(), library.predict(users, items), rtol=1e-5, atol=1e-6)


def test_warp_passes_on_how_many_negatives_are_sampled(tastes):
    few, many = (LightFMWARP(6, max_sampled=n, iterations=3).fit(tastes, show_progress=False) for n in (1, 50))
    assert not np.array_equal(few.item_factors, many.item_factors)


def test_the_bench_can_give_them_no_threads_because_more_than_one_race():
    for model_class in (LightFMWARP, LightFMBPR):
        with pytest.raises(TypeError, match="num_threads"):
            model_class(num_threads=2)
