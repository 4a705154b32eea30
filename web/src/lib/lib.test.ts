import { describe, expect, it } from "vitest";
import { position, skyAxis, valueAt } from "./axis";
import { changes, commandLine, quoted } from "./command_line";
import {
  bytes,
  counted,
  declination,
  duration,
  figure,
  fileName,
  fixed,
  folderOf,
  nightName,
  percent,
  rightAscension,
} from "./format";
import { score, search } from "./fuzzy";
import { columns, quantile, shareBelow } from "./histogram";
import { matches, takesText } from "./keys";
import { fields, type Schema, words } from "./schema";

describe("figures as people read them", () => {
  it("keeps significant digits and shows a dash for the unknown", () => {
    expect([figure(0.0123456), figure(2.44719), figure(65535), figure(-3.15159, 4)]).toEqual([
      "0.0123",
      "2.45",
      "65535",
      "−3.152",
    ]);
    expect([figure(null), figure(Number.NaN), fixed(undefined, 2), percent(null)]).toEqual([
      "–",
      "–",
      "–",
      "–",
    ]);
    expect([figure(1.2e-7), figure(3.45e9 + 0.5)]).toEqual(["1.20e−7", "3.45e9"]);
  });

  it("tells times and sizes", () => {
    expect([duration(0.3), duration(45), duration(200), duration(240), duration(3900)]).toEqual([
      "under 1 s",
      "45 s",
      "3 min 20 s",
      "4 min",
      "1 h 05 min",
    ]);
    expect([bytes(999), bytes(1200), bytes(999_600), bytes(12_300_000_000)]).toEqual([
      "999 B",
      "1.2 kB",
      "1.0 MB",
      "12 GB",
    ]);
    expect([counted(1, "light"), counted(12345, "light")]).toEqual(["1 light", "12\u202f345 lights"]);
  });

  it("tells places in the sky", () => {
    expect(rightAscension(270.90375)).toBe("18h 03m 36.9s");
    expect(rightAscension(359.99999)).toBe("00h 00m 00.0s");
    expect([declination(-24.38667), declination(0.5)]).toEqual(["−24° 23′ 12″", "+00° 30′ 00″"]);
  });

  it("takes paths of either kind apart", () => {
    expect([fileName("/night/l_1.fits"), fileName("C:\\night\\l_1.fits")]).toEqual(["l_1.fits", "l_1.fits"]);
    expect([folderOf("/night/l_1.fits"), folderOf("/l_1.fits")]).toEqual(["/night", "/"]);
  });
});

describe("the axis of the histogram", () => {
  const axis = skyAxis(0, 65535, 1200, 8);

  it("goes there and back", () => {
    for (const value of [0, 1180, 1200, 1216, 5000, 65535])
      expect(valueAt(axis, position(axis, value))).toBeCloseTo(value, 5);
    expect([position(axis, 0), position(axis, 65535)]).toEqual([0, 1]);
  });

  it("gives the sky's noise room", () => {
    expect(position(axis, 1224) - position(axis, 1176)).toBeGreaterThan(0.1);
  });
});

describe("histograms", () => {
  const histogram = { low: 0, high: 100, counts: [0, 10, 30, 0, 60] };

  it("counts shares and quantiles", () => {
    expect(shareBelow(histogram, 40)).toBeCloseTo(0.1);
    expect(shareBelow(histogram, 50)).toBeCloseTo(0.25);
    expect([shareBelow(histogram, -5), shareBelow(histogram, 200)]).toEqual([0, 1]);
    expect(quantile(histogram, 0.25)).toBeCloseTo(50);
  });

  it("loses no pixel when it is drawn in other columns", () => {
    const made = columns(histogram, [-10, 13, 27, 55, 81, 120]);
    expect(made.reduce((sum, one) => sum + one, 0)).toBeCloseTo(100);
    expect(made[0]).toBeCloseTo(0);
  });
});

describe("finding a command", () => {
  it("prefers the starts of words", () => {
    expect(score("fit", "Fit in the window")!).toBeGreaterThan(score("fit", "Profile it")!);
    expect(score("xyz", "Fit")).toBeUndefined();
    expect(search("bl", ["Neutral blue", "Blink", "Able"], (one) => one)[0]).toBe("Blink");
  });
});

describe("shortcuts", () => {
  const press = (key: string, more = {}) => ({
    key,
    ctrlKey: false,
    metaKey: false,
    altKey: false,
    shiftKey: false,
    ...more,
  });

  it("match what is pressed and nothing else", () => {
    expect(matches(press("k", { ctrlKey: true }), "Ctrl+K")).toBe(true);
    expect(matches(press("k", { metaKey: true }), "Ctrl+K")).toBe(true);
    expect(matches(press("k"), "Ctrl+K")).toBe(false);
    expect(matches(press("A", { shiftKey: true }), "a")).toBe(false);
    expect(matches(press("A", { shiftKey: true }), "Shift+A")).toBe(true);
    expect([matches(press("?", { shiftKey: true }), "?"), matches(press("+"), "+")]).toEqual([true, true]);
  });

  it("leave typing alone", () => {
    expect(takesText({ tagName: "INPUT", type: "text" })).toBe(true);
    expect([
      takesText({ tagName: "INPUT", type: "range" }),
      takesText({ tagName: "DIV" }),
      takesText(null),
    ]).toEqual([false, false, false]);
  });
});

describe("forms from the schema", () => {
  const schema: Schema = {
    $ref: "#/$defs/Recipe",
    $defs: {
      Recipe: { type: "object", properties: { integration: { $ref: "#/$defs/Integration", default: {} } } },
      Integration: {
        properties: {
          rejection: { enum: ["16", "8", "auto", "none"], description: "How.", default: "hybrid" },
          kappa_low: { type: "number", exclusiveMinimum: 0, default: 4 },
          iterations: { type: "integer", minimum: 1, maximum: 50, default: 5 },
          halves: { type: "boolean", default: false },
          note: { anyOf: [{ type: "string" }, { type: "null" }], default: null },
          list: { type: "array" },
        },
      },
    },
  };

  it("make a field that fits each setting", () => {
    const made = fields(schema);
    expect(made.map((one) => [one.path, one.kind])).toEqual([
      ["integration.rejection", "choice"],
      ["integration.kappa_low", "number"],
      ["integration.iterations", "number"],
      ["integration.halves", "switch"],
      ["integration.note", "text"],
    ]);
    expect(made[0]).toMatchObject({ help: "How.", choices: ["auto", "8", "16", "none"], label: "Rejection" });
    expect(made[2]).toMatchObject({ whole: true, low: 1, high: 50 });
    expect(made[4]!.optional).toBe(true);
    expect(words("kappa_low")).toBe("Kappa low");
  });
});

describe("the command line", () => {
  const defaults = { integration: { rejection: "hybrid", halves: false } };
  const recipe = { integration: { rejection: "sigma", halves: true } };

  it("says every setting that is no default", () => {
    expect(changes(recipe, defaults)).toEqual([
      ["integration.rejection", "sigma"],
      ["integration.halves", true],
    ]);
    const told: [string, string][] = [["--darks", "/old/darks"]];
    const run = {
      inputs: ["/a/M 27"],
      told,
      output: "m27.fits",
      recipe,
      defaults,
      excluded: ["/a/M 27/x.fits"],
    };
    expect(commandLine(run)).toBe(
      "sidera stack '/a/M 27' -o m27.fits --darks /old/darks --set integration.rejection=sigma --set integration.halves=true --exclude '/a/M 27/x.fits'",
    );
  });

  it("quotes what a shell would read otherwise", () => {
    expect([quoted("a-b.fits"), quoted("it's"), quoted("$HOME"), quoted("")]).toEqual([
      "a-b.fits",
      "'it'\\''s'",
      "'$HOME'",
      "''",
    ]);
  });
});

it("a night is called after its folder, or what holds a folder of lights", () => {
  const names = ["/nights/M 27/lights", "/nights/2024-08-14/", "C:\\astro\\M8", "/n/film.ser", "/..."];
  expect(names.map(nightName)).toEqual(["M_27", "2024-08-14", "M8", "film", "night"]);
});
