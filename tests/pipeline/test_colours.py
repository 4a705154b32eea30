"""The table of star colours knows what the sky's stars are."""

import numpy as np

import sidera
from sidera.simulate.night import truth_from_json
from smallnight import small_night


def test_star_colours_are_those_of_the_simulated_sky(tmp_path):
    night = small_night(tmp_path / "night", stars=100, nebula=False, size=(480, 400), saturated=0)
    truth = truth_from_json((night / "truth.json").read_bytes())
    result = sidera.stack(night)
    names = [frame.file.rpartition("/")[2] for frame in truth.frames]
    matrix = truth.matrix(names.index(result.report.stack.reference))
    places = (
        matrix @ [[star.x for star in truth.stars], [star.y for star in truth.stars], [1] * len(truth.stars)]
    ).T
    errors, brightness = [], []
    for row in result.stack.star_colours:
        distance = np.hypot(*(places - (row["X"], row["Y"])).T)
        near = np.argsort(distance)[:2]
        if distance[near[0]] < 1 and distance[near[1]] > 15:
            red, green, blue = truth.stars[near[0]].flux
            brightness.append(row["G"])
            errors.append(
                [np.log(row["R"] / row["G"] * green / red), np.log(row["B"] / row["G"] * green / blue)]
            )
    assert len(errors) >= 10
    assert np.abs(np.median(errors, axis=0)).max() < 0.03
    clear = np.array(errors)[np.array(brightness) > np.median(brightness)]
    assert np.median(np.abs(clear)) < 0.03
