"""Detection: sky meshes, stars, and their light in three colours."""

from stage import HEAD, light, options, timed

from sidera.demosaic.mosaic import green_plane
from sidera.detection import colour_fluxes, find_stars, sky_mesh, sky_meshes
from sidera.model.header import Bayer


def main() -> None:
    """Time what Measure does with a calibrated frame; the limit is reading it once."""
    given = options(__doc__).parse_args()
    cfa, pattern = light(given.size), Bayer.RGGB
    plane = green_plane(cfa, pattern)
    stars = find_stars(plane)
    fwhm = 3.0
    print(HEAD)
    for what, work in (
        ("green plane of a mosaic", lambda: green_plane(cfa, pattern)),
        ("sky mesh, mono", lambda: sky_mesh(plane)),
        ("sky meshes, three colours of a mosaic", lambda: sky_meshes(cfa, pattern)),
        (f"{len(stars)} stars, sky mesh included", lambda: find_stars(plane)),
        (
            "light of these stars in three colours",
            lambda: colour_fluxes(cfa, pattern, stars, 2.5 * fwhm, (4 * fwhm, 6 * fwhm)),
        ),
    ):
        timed(what, work, cfa.size, 4 * cfa.size, given.repeats)


if __name__ == "__main__":
    main()
