"""Whole nights against truth: 20 frames with all that goes wrong in a night, stacked, and compared."""

from functools import cache, partial

import pytest

from sidera.pipeline.fidelity import table
from sidera.pipeline.simulate import NightSettings, simulate_night
from simulated import fidelity_of, measured_stars, pooled, say, scatter, slope, spread, stacked

SEEDS = (1, 2, 3, 4, 5)
MONO, COLOUR = "none", "RGGB"
BILINEAR, SUPERPIXEL, RCD = (f"demosaic.method={name}" for name in ("bilinear", "superpixel", "rcd"))
CROWD = {"stars": 700, "faintest_snr": 12.0}
"""So many stars above SNR 50 that their scatter is known to a tenth; the night is otherwise the same."""
THREADS = 2


@pytest.fixture(scope="module")
def nights(tmp_path_factory):
    """Makes a night on disk, once."""
    made = {}

    def night(bayer, seed, **changes):
        key = (bayer, seed, *sorted(changes.items()))
        if key not in made:
            folder = tmp_path_factory.mktemp("night")
            settings = NightSettings(frames=20, bayer=bayer, seed=seed, flipped=7, **changes)
            made[key] = folder, simulate_night(folder, settings, threads=THREADS)
        return made[key]

    return night


def shown(title, result, truth):
    """The product's own figures, printed and returned."""
    figures = fidelity_of(result, truth)
    say(f"\n{title}\n{table(figures)}")
    return figures


def require_true_places_and_clean_sky(figures):
    assert len(figures.frames) == 20
    assert figures.transform_rms <= 0.02
    assert figures.worst_transform_rms <= 0.02
    for channel in figures.channels:
        assert channel.empty_pixels > 100_000
        assert channel.false_pixels == 0


def told(title, channels):
    """Own star figures a channel, printed."""
    for name, stars in zip("RGB" if len(channels) == 3 else "L", channels, strict=True):
        rise, error = slope(stars)
        say(
            f"{title:28} {name} {stars.error.size:4} stars, bias {100 * stars.bias:+.2f} %, "
            f"scatter {scatter(stars):.2f} ± {1.16 / stars.error.size**0.5 * scatter(stars):.2f} "
            f"({scatter(stars, True):.2f} past sampling, which alone gives "
            f"{spread(stars.sampling / stars.limit):.2f}), slope {100 * rise:.2f} ± {100 * error:.2f} %"
        )


def test_a_mono_night_keeps_every_promise(nights):
    folder, truth = nights(MONO, 1, **CROWD)
    result = stacked(folder)
    (stars,) = channels = measured_stars(result, truth)
    told("mono seed 1, crowd", channels)
    require_true_places_and_clean_sky(shown("mono seed 1, crowd", result, truth))
    assert stars.error.size > 150
    assert abs(stars.bias) <= 0.01
    assert scatter(stars) <= 1.2 * (1 + 1.16 / stars.error.size**0.5)  # one night: its own error is let pass
    assert slope(stars)[0] <= 0.005


def test_a_colour_night_keeps_every_promise_that_one_night_can_prove(nights):
    folder, truth = nights(COLOUR, 1, **CROWD)
    result = stacked(folder, BILINEAR)
    channels = measured_stars(result, truth)
    told("bilinear seed 1, crowd", channels)
    require_true_places_and_clean_sky(shown("bilinear seed 1, crowd", result, truth))
    assert min(stars.error.size for stars in channels) > 100
    assert max(abs(stars.bias) for stars in channels) <= 0.01
    assert scatter(channels[1]) <= 1.2
    assert slope(channels[1])[0] <= 0.005


@pytest.fixture(scope="module")
def five_nights(nights):
    """`of_all_seeds`, each case stacked once."""
    return cache(partial(of_all_seeds, nights))


def of_all_seeds(nights, bayer, recipe, pixel=1, darks=10):
    """Stars of five nights a channel, pooled; each night's own by seed; and the product's own figures."""
    by_seed, figures = {}, {}
    for seed in SEEDS:
        folder, truth = nights(bayer, seed, darks=darks)
        result = stacked(folder, *recipe)
        by_seed[seed] = measured_stars(result, truth, pixel)
        title = f"{bayer} {' '.join(recipe)} seed {seed}"
        told(title, by_seed[seed])
        if pixel == 1:
            figures[seed] = shown(title, result, truth)
    together = [pooled(one) for one in zip(*by_seed.values(), strict=True)]
    told(f"{bayer} {' '.join(recipe)} pooled", together)
    return together, by_seed, figures


def worst_bias(by_seed, channel):
    return max(abs(channels[channel].bias) for channels in by_seed.values())


@pytest.mark.nightly
@pytest.mark.timeout(900)
@pytest.mark.parametrize("darks", [10, 0])
@pytest.mark.parametrize(("bayer", "recipe"), [(MONO, ()), (COLOUR, (BILINEAR,))])
def test_five_nights_lie_where_the_truth_lies_and_their_empty_sky_is_empty(five_nights, bayer, recipe, darks):
    _, _, figures = five_nights(bayer, recipe, darks=darks)
    assert len(figures) == len(SEEDS)
    for one in figures.values():
        require_true_places_and_clean_sky(one)


@pytest.mark.nightly
@pytest.mark.timeout(900)
@pytest.mark.parametrize("darks", [10, 0])
def test_five_mono_nights_keep_their_stars_fluxes(five_nights, darks):
    (stars,), by_seed, _ = five_nights(MONO, (), darks=darks)
    assert worst_bias(by_seed, 0) <= 0.01
    assert scatter(stars) <= 1.2
    assert slope(stars)[0] <= 0.005


@pytest.mark.nightly
@pytest.mark.timeout(900)
@pytest.mark.parametrize("darks", [10, 0])
def test_five_colour_nights_keep_their_stars_fluxes(five_nights, darks):
    stars, by_seed, _ = five_nights(COLOUR, (BILINEAR,), darks=darks)
    assert max(worst_bias(by_seed, channel) for channel in range(3)) <= 0.01
    assert scatter(stars[1]) <= 1.2
    assert max(slope(one)[0] for one in stars) <= 0.005


@pytest.mark.nightly
@pytest.mark.timeout(900)
@pytest.mark.xfail(strict=True, reason="red and blue are sampled too coarsely at FWHM 2.5: test_sampling.py")
def test_red_and_blue_scatter_as_little_as_photons_do(five_nights):
    stars, _, _ = five_nights(COLOUR, (BILINEAR,), darks=10)
    assert max(scatter(one) for one in stars) <= 1.2


@pytest.mark.nightly
@pytest.mark.timeout(900)
def test_past_their_sampling_red_and_blue_scatter_little_more_than_photons_do(five_nights):
    """Measured: red 1.17, blue 1.34; green, which is sampled well, 1.19."""
    stars, _, _ = five_nights(COLOUR, (BILINEAR,), darks=10)
    assert max(scatter(one, knowing_the_sampling=True) for one in stars) <= 1.4


@pytest.mark.nightly
@pytest.mark.timeout(900)
def test_superpixels_keep_their_stars_fluxes(five_nights):
    """Stars are 1.25 superpixels wide: no interpolation of so few samples scatters as little as photons do."""
    stars, by_seed, _ = five_nights(COLOUR, (SUPERPIXEL,), pixel=2)
    assert max(worst_bias(by_seed, channel) for channel in range(3)) <= 0.01
    assert max(scatter(one) for one in stars) <= 2


@pytest.mark.nightly
@pytest.mark.timeout(900)
def test_rcd_keeps_green_to_one_percent_and_red_and_blue_to_two_and_a_half(five_nights):
    _, by_seed, _ = five_nights(COLOUR, (RCD,))
    worst = [100 * worst_bias(by_seed, channel) for channel in range(3)]
    say("RCD, worst bias of five nights, %: R {:.2f}  G {:.2f}  B {:.2f}".format(*worst))
    assert worst[1] <= 1
    assert max(worst) <= 2.5


FEW = partial(
    NightSettings,
    size=(500, 400),
    bayer=MONO,
    stars=150,
    faintest_snr=30.0,
    trails=1,
    trail_sigma=(40.0, 50.0),
    trail_frames=(1,),
    cosmic_rays=40,
)


@pytest.mark.parametrize("frames", [2, 3, 4])
def test_a_few_frames_lose_the_trail_and_keep_their_stars(tmp_path, frames):
    settings = FEW(frames=frames)
    truth = simulate_night(tmp_path / "night", settings)
    result = stacked(tmp_path / "night")
    figures = shown(f"{frames} frames", result, truth)
    (stars,) = measured_stars(result, truth)
    assert len(figures.frames) == frames
    assert figures.channels[0].false_pixels <= (
        2 if frames == 2 else 0
    )  # of two, who is to say which is right
    assert stars.error.size > 20
    assert abs(stars.bias) <= 0.01


def test_a_single_frame_is_its_own_stack(tmp_path):
    truth = simulate_night(tmp_path / "night", FEW(frames=1, trails=0, trail_frames=None))
    result = stacked(tmp_path / "night")
    (stars,) = measured_stars(result, truth)
    assert result.image.shape == (400, 500)
    assert abs(stars.bias) <= 0.02
    assert result.report.stacks[0].frames_used == 1
