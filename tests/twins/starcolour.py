"""One colour a star, in plain numpy, whole planes at a time."""

import numpy as np

WEIGHTS = (0.2126, 0.7152, 0.0722)


def brightness(image):
    return sum(w * plane.astype(float) for w, plane in zip(WEIGHTS, image, strict=True))


def away(shape, x, y):
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    return np.hypot(columns - x, rows - y)


def modelled(field, star, shape):
    distance = away(shape, field.x[star], field.y[star])
    return field.height[star] / (1 + (distance / field.scale[star]) ** 2) ** 4


def rivals(field, star):
    return field.near[field.first[star] : field.first[star + 1]]


def most_of_others(field, star, shape):
    return np.max(
        [np.zeros(shape), *(modelled(field, other, shape) for other in rivals(field, star))], axis=0
    )


def reach(image, field, star, sigma):
    """Inner and outer radius: the mean of rings a pixel wide, without those of which others hold a quarter."""
    light = brightness(image)
    ring = np.floor(away(light.shape, field.x[star], field.y[star]) + 0.5)
    known = np.isfinite(light) & (
        most_of_others(field, star, light.shape) < 0.25 * modelled(field, star, light.shape)
    )
    limit = int(field.reach[star]) + 5
    profile = []
    for number in range(limit + 1):
        here = light[known & (ring == number)]
        profile.append(here.mean() if here.size else profile[-1] if profile else 0.0)
    outer = 2
    while outer < limit - 4 and not profile[outer] - profile[outer + 4] < sigma:
        outer += 1
    bright = [number for number in range(outer) if profile[number] - profile[outer + 4] > 5 * sigma]
    return max(bright, default=0), outer


def owned(field, star, shape):
    distance = away(shape, field.x[star], field.y[star])
    t = np.clip((field.outer[star] - distance) / (field.outer[star] - field.inner[star]), 0, 1)
    t[most_of_others(field, star, shape) >= modelled(field, star, shape)] = 0
    return t * t * (3 - 2 * t)


def sky(image, field, star):
    light = brightness(image)
    distance = away(light.shape, field.x[star], field.y[star]) - field.outer[star]
    ring = (distance >= 0) & (distance <= 4) & np.isfinite(light)
    for other in rivals(field, star):
        ring &= away(light.shape, field.x[other], field.y[other]) >= field.outer[other]
    if ring.sum() < 5:
        return None
    levels = [float(np.median(plane[ring])) for plane in image]
    return np.array([*levels, np.dot(WEIGHTS, levels)])


def colour(image, field, star, below, tops, share):
    """Light of R, G, B per brightness, over the star's pixels where no channel is above a share of its top."""
    light = brightness(image) - below[3]
    crowded = any(
        np.hypot(field.x[star] - field.x[o], field.y[star] - field.y[o]) < field.outer[star] + field.outer[o]
        for o in rivals(field, star)
    )
    clear = max(field.inner[star], 2) if crowded else field.outer[star]
    weight = owned(field, star, light.shape) * np.isfinite(light)
    weight[away(light.shape, field.x[star], field.y[star]) > clear] = 0
    for plane, level, top in zip(image, below, tops, strict=False):
        weight[plane - level > share * top] = 0
    total = np.nansum(weight * light)
    if not total > 0:
        return np.full(3, np.nan)
    return np.array([np.nansum(weight * (p - s)) / total for p, s in zip(image, below, strict=False)])


def painted(image, field, star, below, ratio):
    """The image with one star's pixels in its colour."""
    light = brightness(image) - below[3]
    weight = owned(field, star, light.shape) * np.isfinite(light)
    new = [
        np.where(weight > 0, plane + weight * (level + light * part - plane), plane)
        for plane, level, part in zip(image, below, ratio, strict=False)
    ]
    return np.array(new)
