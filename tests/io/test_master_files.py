"""Masters that go into their file while they are made."""

import numpy as np
import pytest
from astropy.io import fits

from sidera.io.masters import read_master, unmade, write_master, written
from sidera.io.write import write
from sidera.model.header import Bayer, Header, Kind
from sidera.model.masters import Master


def a_master(planes):
    header = Header(
        width=50, height=31, planes=planes, kind=Kind.DARK, is_master=True, n_combined=7, bayer=Bayer.GRBG,
        exposure=30.0, bits="float32",
    )  # fmt: skip
    shape = (31, 50) if planes == 1 else (planes, 31, 50)
    image, variance = np.random.default_rng(1).normal(500, 9, (2, *shape)).astype(np.float32)
    image[..., 3, 4] = np.nan
    return Master(Kind.DARK, image, variance, header, key="abc")


def put_in_bands(path, master, order=1):
    like = unmade(master.kind, master.header, bias_removed=master.bias_removed, key=master.key)
    image, variance = (array.reshape(-1, 31, 50) for array in (master.image, master.variance))
    with write_master(path, like) as file:
        for plane in range(len(image)):
            for top in list(range(0, 31, 7))[::order]:
                file.put(plane, top, image[plane, top : top + 7], variance[plane, top : top + 7])
    return written(path, like)


@pytest.mark.parametrize("planes", [1, 3])
@pytest.mark.parametrize("order", [1, -1])
def test_a_master_put_in_bands_has_the_bytes_of_one_written_whole(tmp_path, planes, order):
    master = a_master(planes)
    made = put_in_bands(tmp_path / "bands.fits", master, order)
    write(tmp_path / "whole.fits", master)
    assert (tmp_path / "bands.fits").read_bytes() == (tmp_path / "whole.fits").read_bytes()
    np.testing.assert_array_equal(made.image, master.image)
    np.testing.assert_array_equal(made.variance, master.variance)
    assert read_master(tmp_path / "bands.fits").key == "abc"
    with fits.open(
        tmp_path / "bands.fits", checksum=True
    ) as units:  # astropy warns of a wrong one: an error here
        units.verify("exception")


def test_a_master_that_fails_half_way_leaves_nothing(tmp_path):
    master = a_master(1)

    def fail_half_way():
        with write_master(tmp_path / "x.fits", master) as file:
            file.put(0, 0, master.image[:7], master.variance[:7])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    assert not list(tmp_path.iterdir())
