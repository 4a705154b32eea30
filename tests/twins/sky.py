"""Sky statistics, slowly and plainly."""

import numpy as np


def clipped(samples, kappa, rounds):
    """Mean, median, standard deviation and number after clipping around the median."""
    kept = samples[np.isfinite(samples)].astype(np.float64)
    if kept.size == 0 or kept.std() == 0:
        return (kept.mean() if kept.size else np.nan), np.nan, (0.0 if kept.size else np.nan), kept.size
    everything = kept
    median = np.median(kept)
    width = median - np.quantile(kept, 0.1587)
    width = width if width > 0 else kept.std()
    for _ in range(rounds):
        before = kept.size
        kept = everything[np.abs(everything - median) <= kappa * width]
        median, width = np.median(kept), kept.std() / 0.985
        if kept.size == before:
            break
    return kept.mean(), median, kept.std(), kept.size


def detail(image):
    """First B3 starlet layer: the pixel less its neighbourhood, edges repeated."""
    taps = np.array([1, 4, 6, 4, 1]) / 16
    grown = np.pad(image.astype(np.float64), 2, mode="edge")
    out = np.empty(image.shape)
    for row, column in np.ndindex(image.shape):
        window = grown[row : row + 5, column : column + 5]
        out[row, column] = image[row, column] - taps @ window @ taps
    return out


def surface(mesh, shape):
    """Catmull-Rom surface through a mesh that is continued in a straight line."""
    grown = np.pad(mesh.astype(np.float64), 2, mode="reflect", reflect_type="odd")
    down, across = _weights(mesh.shape[0], shape[0]), _weights(mesh.shape[1], shape[1])
    return down @ grown @ across.T


def _weights(nodes, size):
    """Matrix [pixel, node]: how much of each node goes into each pixel."""
    out = np.zeros((size, nodes + 4))
    for pixel in range(size):
        position = (pixel + 0.5) * nodes / size - 0.5
        first = int(np.floor(position))
        for node in range(first - 1, first + 3):
            out[pixel, node + 2] = _catmull_rom(abs(position - node))
    return out


def _catmull_rom(t):
    if t < 1:
        return 1 - 2.5 * t**2 + 1.5 * t**3
    return 2 - 4 * t + 2.5 * t**2 - 0.5 * t**3 if t < 2 else 0.0
