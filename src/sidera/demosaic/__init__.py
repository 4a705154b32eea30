"""From a colour filter array to colour."""

from sidera.demosaic.demosaic import demosaic
from sidera.demosaic.mosaic import fill_defects, green_plane

__all__ = ["demosaic", "fill_defects", "green_plane"]
