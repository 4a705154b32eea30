"""From many registered frames to one: normalise, weigh, reject, combine."""

from sidera.integration.combine import Combined, combine, combine_kept
from sidera.integration.noise import NoiseModel, fit_noise_model
from sidera.integration.normalise import photometric_scale, sky_difference
from sidera.integration.reject import reject
from sidera.integration.resample import resample
from sidera.integration.weigh import weights

__all__ = [
    "Combined",
    "NoiseModel",
    "combine",
    "combine_kept",
    "fit_noise_model",
    "photometric_scale",
    "reject",
    "resample",
    "sky_difference",
    "weights",
]
