"""Maxima, windowed sums and apertures, slowly and plainly."""

import numpy as np


def maxima(image, threshold, border):
    """(row, column) of each pixel that is the first highest of its 5×5 neighbourhood."""
    edge = max(border, 2)
    out = []
    for row in range(edge, image.shape[0] - edge):
        for column in range(edge, image.shape[1] - edge):
            window = image[row - 2 : row + 3, column - 2 : column + 3]
            if image[row, column] > threshold and int(np.argmax(window)) == 12:
                out.append((row, column))
    return out


def centroid(image, sky, sigma, x, y):
    """Gaussian-windowed centroid, 16 full rounds over the pixels within four sigma."""
    rows, columns = np.indices(image.shape)
    for _ in range(16):
        near = (np.abs(columns - x) <= 4 * sigma) & (np.abs(rows - y) <= 4 * sigma)
        light = (
            np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * sigma**2))
            * np.nan_to_num(image - sky)
            * near
        )
        x, y = (
            x + 2 * np.sum(light * (columns - x)) / light.sum(),
            y + 2 * np.sum(light * (rows - y)) / light.sum(),
        )
    return x, y


def moments(image, sky, sigma, x, y):
    """Windowed second moments xx, yy, xy."""
    rows, columns = np.indices(image.shape)
    u, v = columns - x, rows - y
    near = (np.abs(u) <= 4 * sigma) & (np.abs(v) <= 4 * sigma)
    light = np.exp(-(u**2 + v**2) / (2 * sigma**2)) * np.nan_to_num(image - sky) * near
    return np.array([(light * u * u).sum(), (light * v * v).sum(), (light * u * v).sum()]) / light.sum()


def aperture(image, sky, radius, x, y):
    """Light and area within a radius, each pixel cut into 5×5."""
    flux = area = 0.0
    cut = (np.arange(5) + 0.5) / 5 - 0.5
    for row, column in np.ndindex(image.shape):
        u, v = np.meshgrid(column - x + cut, row - y + cut)
        share = np.mean(u**2 + v**2 <= radius**2)
        area += share
        if share and not np.isnan(image[row, column]):
            flux += share * (image[row, column] - sky)
    return flux, area


def annulus(image, x, y, inner, outer):
    """The finite pixels from ``inner`` to ``outer``."""
    rows, columns = np.indices(image.shape)
    square = (columns - x) ** 2 + (rows - y) ** 2
    ring = image[(square >= inner**2) & (square < outer**2)]
    return ring[np.isfinite(ring)]


def half_light(image, sky, radius, x, y):
    """Radius of half the light, from the sorted parts of 5×5-cut pixels."""
    cut = (np.arange(5) + 0.5) / 5 - 0.5
    parts = []
    for row, column in np.ndindex(image.shape):
        u, v = np.meshgrid(column - x + cut, row - y + cut)
        value = (image[row, column] - sky) / 25
        parts += [(square, value) for square in (u**2 + v**2).ravel() if square < radius**2]
    parts.sort()
    growth = np.cumsum([value for _, value in parts])
    return np.sqrt(parts[int(np.argmax(growth >= growth[-1] / 2))][0])
