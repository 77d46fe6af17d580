"""Images: which settings remove the noise of a photograph best. All tasks read it; it ships in scikit-image."""

from itertools import product

import numpy as np
from skimage import data, img_as_float
from skimage.metrics import peak_signal_noise_ratio
from skimage.restoration import denoise_nl_means

NOISE = 0.1


def shared():
    clean = img_as_float(data.camera()[::2, ::2]).astype(np.float32)
    noisy = clean + NOISE * np.random.default_rng(1).standard_normal(clean.shape, dtype=np.float32)
    return np.stack([clean, noisy])


def tasks():
    return list(product((3, 5, 7), (0.4, 0.6, 0.8, 1.0, 1.2, 1.4, 1.6, 1.8)))


def task(patch_size, strength, images):
    clean, noisy = images
    denoised = denoise_nl_means(noisy, patch_size=patch_size, patch_distance=5, h=strength * NOISE)
    return float(peak_signal_noise_ratio(clean, denoised, data_range=1.0))
