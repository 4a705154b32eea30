"""One profile fitted to raw pixels, by whole design matrices."""

import numpy as np


def star_place(image, colours, profile, noise, photons, x, y, misfit=0.02, pliant=0.1, rounds=25):
    """Gauss-Newton on place and width together with each colour's height and sky; also pulls and weights there."""
    a, b, c, radius = profile
    rows, columns = np.indices(image.shape)
    colour = colours[rows % 2, columns % 2]
    wider, heights = 0.0, np.zeros(3)
    for _ in range(rounds):
        u, v = columns - x, rows - y
        far = np.exp(-2 * wider) * (a * u * u + 2 * b * u * v + c * v * v)
        shape, steep = (1 + far) ** -4.0, 8 * np.exp(-2 * wider) * (1 + far) ** -5.0
        near = (u * u + v * v <= (radius * np.exp(wider)) ** 2) & np.isfinite(image) & (colour <= 2)
        slopes = np.stack([steep * (a * u + b * v), steep * (b * u + c * v), 8 * far * (1 + far) ** -5.0])
        pulls, weights, width = np.zeros((3, 2)), np.zeros((3, 3)), np.zeros(2)
        before, heights = heights, np.zeros(3)
        for k in set(colour[near].tolist()):
            here = near & (colour == k)
            light = max(before[k], 0.0) * shape[here]
            root = 1 / np.sqrt(noise[k] ** 2 + (photons + misfit**2 * before[k]) * light)
            plain = np.stack([np.ones(here.sum()), shape[here]], axis=1) * root[:, None]
            fit, _, rank, _ = np.linalg.lstsq(plain, image[here] * root, rcond=1e-5)
            if rank < 2:
                continue
            heights[k] = fit[1]
            if heights[k] <= 0:
                continue
            rest = image[here] * root - plain @ fit
            steps = heights[k] * slopes[:, here].T * root[:, None]
            steps -= plain @ np.linalg.lstsq(plain, steps, rcond=None)[0]
            square = steps.T @ steps
            pulls[k], weights[k] = steps[:, :2].T @ rest, (square[0, 0], square[0, 1], square[1, 1])
            width += steps[:, 2] @ rest, square[2, 2]
        xx, xy, yy = weights.sum(axis=0)
        step = np.linalg.solve([[xx, xy], [xy, yy]], pulls.sum(axis=0))
        x, y = x + step[0], y + step[1]
        stretch = (width[0] - wider / pliant**2) / (width[1] + 1 / pliant**2)
        wider = np.clip(wider + np.clip(stretch, -0.2, 0.2), -0.7, 0.7)
        if np.hypot(*step) < 1e-3 and abs(stretch) < 0.03:
            break
    return (x, y), pulls, weights
