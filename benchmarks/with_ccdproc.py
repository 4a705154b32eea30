"""A night the plain Python way, ccdproc and astroalign: ``python with_ccdproc.py NIGHT WORK RESULT``.

What one writes who has read both libraries' guides: masters by ``ccdproc.combine`` with 3/3 sigma clipping about the
median in units of the MAD, ``subtract_dark`` and ``flat_correct``, bilinear demosaicing by convolution (neither
library has any), ``astroalign`` on the green plane, frames brought to one median (neither has local
normalisation), and one ``ccdproc.combine`` a colour, clipped as before and weighted by the noise.
"""

import sys
import warnings
from pathlib import Path

import astroalign
import ccdproc
import numpy as np
from astropy import units as u
from astropy.io import fits
from astropy.nddata import CCDData
from astropy.stats import mad_std
from astropy.utils.exceptions import AstropyWarning
from scipy.ndimage import convolve

MEMORY = 1.2e9
CLIP = {
    "sigma_clip": True,
    "sigma_clip_low_thresh": 3,
    "sigma_clip_high_thresh": 3,
    "sigma_clip_func": np.ma.median,
    "sigma_clip_dev_func": mad_std,
    "mem_limit": MEMORY,
    "dtype": np.float32,
}
KERNEL = np.array([[0.25, 0.5, 0.25], [0.5, 1, 0.5], [0.25, 0.5, 0.25]], np.float32)


def main(night: Path, work: Path, result: Path) -> None:
    """Masters, calibrated and registered frames on disk, the stack."""
    warnings.simplefilter("ignore", AstropyWarning)
    lights = sorted((night / "lights").glob("*.fit*"))
    bias = master(sorted((night / "biases").glob("*.fit*")), work / "bias.fits")
    dark = master(sorted((night / "darks").glob("*.fit*")), work / "dark.fits")
    flats = []
    for path in sorted((night / "flats").glob("*.fit*")):
        flats.append(work / f"less_bias_{path.name}")
        ccdproc.subtract_bias(opened(path), bias).write(flats[-1], overwrite=True)
    flat = master(flats, work / "flat.fits", scale=lambda values: 1 / np.median(values))
    flat = levelled(flat, bayer(lights[0]))
    channels = 1 if bayer(lights[0]) is None else 3
    reference, registered, noise = None, [], []
    for path in lights:
        planes = calibrated(path, dark, flat)
        guide = planes[len(planes) // 2]
        reference = guide if reference is None else reference
        try:
            planes = planes if guide is reference else aligned(planes, guide, reference)
        except (astroalign.MaxIterError, ValueError) as error:
            print(f"{path.name} left out: {error}")
            continue
        registered.append([work / f"registered_{channel}_{path.name}" for channel in range(channels)])
        noise.append([float(mad_std(plane, ignore_nan=True)) for plane in planes])
        for name, plane in zip(registered[-1], planes, strict=True):
            level = np.float32(np.nanmedian(plane))
            unseen = ~np.isfinite(plane)
            moved = np.where(unseen, np.float32(0), plane - level)
            CCDData(moved, unit=u.adu, mask=unseen).write(name, overwrite=True)
    stack = [
        combined([names[c] for names in registered], [sigma[c] for sigma in noise]) for c in range(channels)
    ]
    fits.writeto(result, np.squeeze(np.array(stack, np.float32)), overwrite=True)
    print(f"{len(registered)} of {len(lights)} frames")


def opened(path: Path) -> CCDData:
    """A frame in ADU."""
    return CCDData.read(path, unit=u.adu)


def master(paths: list[Path], kept: Path, **scale: object) -> CCDData:
    """Clipped mean of frames."""
    made = ccdproc.combine([str(path) for path in paths], method="average", unit=u.adu, **CLIP, **scale)
    made.write(kept, overwrite=True)
    return made


def bayer(path: Path) -> str | None:
    """Colour filter array of a file."""
    return fits.getheader(path).get("BAYERPAT")


def levelled(flat: CCDData, pattern: str | None) -> CCDData:
    """The flat with each site of the filter array at a mean of 1."""
    for row, column in ((0, 0), (0, 1), (1, 0), (1, 1)) if pattern else ():
        flat.data[row::2, column::2] /= flat.data[row::2, column::2].mean()
    return flat


def calibrated(path: Path, dark: CCDData, flat: CCDData) -> list[np.ndarray]:
    """Planes of a light less the dark, over the flat."""
    light = ccdproc.subtract_dark(
        opened(path), dark, dark_exposure=1 * u.s, data_exposure=1 * u.s, scale=False
    )
    image = ccdproc.flat_correct(light, flat, norm_value=1.0).data.astype(np.float32)
    pattern = bayer(path)
    return [image] if pattern is None else [interpolated(image, pattern, colour) for colour in "RGB"]


def interpolated(image: np.ndarray, pattern: str, colour: str) -> np.ndarray:
    """One colour at every pixel: the weighted mean of the sites of that colour around it."""
    sites = np.zeros(image.shape, np.float32)
    for place, name in enumerate(pattern):
        if name == colour:
            sites[place // 2 :: 2, place % 2 :: 2] = 1
    return convolve(image * sites, KERNEL, mode="mirror") / convolve(sites, KERNEL, mode="mirror")


def aligned(planes: list[np.ndarray], guide: np.ndarray, reference: np.ndarray) -> list[np.ndarray]:
    """Planes on the reference's grid, NaN where the frame saw nothing."""
    transform, _ = astroalign.find_transform(guide, reference, max_control_points=60, detection_sigma=5)
    moved = []
    for plane in planes:
        image, outside = astroalign.apply_transform(transform, plane, reference, fill_value=0.0)
        moved.append(np.where(outside, np.nan, image).astype(np.float32))
    return moved


def combined(paths: list[Path], noise: list[float]) -> np.ndarray:
    """Clipped mean, weighted by 1 / noise²."""
    weights = 1 / np.square(noise)
    got = ccdproc.combine([str(path) for path in paths], method="average", weights=weights, **CLIP)
    return np.where(got.mask, np.nan, got.data) if got.mask is not None else got.data


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
