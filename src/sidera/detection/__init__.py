"""Find and measure stars and sky."""

from sidera.detection.find import aperture_flux, colour_fluxes, find_stars
from sidera.detection.quality import figures
from sidera.detection.sky import Sky, sky_mesh, sky_meshes

__all__ = ["Sky", "aperture_flux", "colour_fluxes", "figures", "find_stars", "sky_mesh", "sky_meshes"]
