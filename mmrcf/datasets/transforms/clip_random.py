"""Where the transforms of a clip draw from."""

import numpy as np


def clip_rng(results: dict) -> np.random.Generator:
    """The generator of this clip, one for all its transforms.

    A data set that knows the seed of the sample puts the generator in as ``results['rng']``; otherwise it is seeded
    once from NumPy's global state, which MMEngine seeds for each worker.
    """
    if 'rng' not in results:
        results['rng'] = np.random.default_rng(np.random.randint(2**31))
    return results['rng']
