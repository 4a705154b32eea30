"""From a colour filter array to colour."""

from sidera.demosaic.conserve import conserve_flux
from sidera.demosaic.demosaic import demosaic
from sidera.demosaic.mosaic import fill_defects, green_plane

__all__ = ["conserve_flux", "demosaic", "fill_defects", "green_plane"]
