"""A night through seiza, in its own environment: ``python with_seiza.py NIGHT WORK RESULT``.

Masters by its builders (3/3 sigma), VNG, local background normalisation, noise weights, best light as
reference, its rejection at 3/3 (online, in the order of the frames: it has no other in one pass).
"""

import sys
from pathlib import Path

import seiza


def main(night: Path, work: Path, result: Path) -> None:
    """Build the masters, then the stack."""

    def frames(kind: str) -> list[str]:
        return [str(path) for path in sorted((night / kind).glob("*.fit*"))]

    bias, dark, flat = (str(work / f"{kind}.fits") for kind in ("bias", "dark", "flat"))
    seiza.build_bias(frames("biases"), bias)
    seiza.build_dark(frames("darks"), dark, bias=bias)
    seiza.build_flat(frames("flats"), flat, bias=bias)
    options = seiza.StackOptions(
        normalization="local-background",
        weighting="inverse-noise-variance",
        demosaic="vng",
        sigma_low=3.0,
        sigma_high=3.0,
    )
    done = seiza.stack_fits(
        frames("lights"), str(result), options=options, bias=bias, dark=dark, flat=flat, reference="auto"
    )
    print(f"{done.accepted_frames} accepted, {done.rejected_frames} rejected")
    for frame in done.frames:
        if not frame.accepted:
            print(frame.source, frame.reason)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
