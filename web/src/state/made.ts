/** Values for tests, made like the engine's. */

import type { FoundFrame, View as Image, MeasuredFrame, ProjectFrame } from "../engine/protocol";

export function light(name: string, minute = 0, more: Partial<FoundFrame> = {}): FoundFrame {
  return {
    path: `/night/${name}`,
    index: 0,
    kind: "light",
    width: 900,
    height: 700,
    planes: 1,
    bayer: "RGGB",
    exposure: 120,
    gain: 100,
    offset: 50,
    temperature: -10,
    filter: null,
    target: "M 27",
    camera: null,
    telescope: null,
    date: `2024-08-14T22:${String(minute).padStart(2, "0")}:00`,
    binning: [1, 1],
    bits: "16",
    format: "fits",
    is_master: false,
    combined: 1,
    sources: {},
    ...more,
  };
}

export function measured(name: string, fwhm: number, more: Partial<MeasuredFrame> = {}): MeasuredFrame {
  return {
    path: `/night/${name}`,
    index: 0,
    stars: 200,
    sky: [570],
    noise: [5],
    fwhm,
    hfr: 1.5,
    eccentricity: 0.2,
    snr: 100,
    saturated: 0,
    ...more,
  };
}

/** A light as a project tells of it. */
export function known(name: string, minute = 0, more: Partial<ProjectFrame> = {}): ProjectFrame {
  const figures = null;
  return {
    frame: light(name, minute),
    key: `key-${name}`,
    figures,
    verdict: "undecided",
    reason: "",
    missing: false,
    ...more,
  };
}

export function image(key: string, more: Partial<Image> = {}): Image {
  const curve = { low: 500, high: 65000, shadows: 0.001, midtones: 0.002, highlights: 1, bend: null };
  const range = { centre: 600, spread: 8, low: 500, high: 65000, minimum: 480, maximum: 65535, missing: 0 };
  return {
    image: `i-${key}`,
    key,
    kind: "stack",
    name: key,
    path: `/results/${key}.fits`,
    width: 3000,
    height: 2000,
    channels: 3,
    tile: 512,
    gutter: 1,
    sentinel: -65504,
    levels: [],
    ranges: [range, { ...range, centre: 700 }, { ...range, centre: 650 }],
    linked: [curve, { ...curve, low: 600 }, { ...curve, low: 550 }],
    unlinked: [curve, { ...curve, midtones: 0.004 }, { ...curve, midtones: 0.003 }],
    solved: false,
    maps: null,
    ...more,
  };
}
