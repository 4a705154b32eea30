/** Figures as people read them. */

const MISSING = "–";

/** A number with so many significant digits, whole ones in full, no exponent for usual sizes; a dash for the unknown. */
export function figure(value: number | null | undefined, digits = 3): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return MISSING;
  const size = Math.abs(value);
  if (Number.isInteger(value) && size < 1e7) return minus(String(value));
  if (size !== 0 && (size < 1e-4 || size >= 1e7))
    return minus(value.toExponential(digits - 1).replace("e+", "e"));
  const places = size === 0 ? 0 : Math.max(0, digits - 1 - Math.floor(Math.log10(size)));
  return minus(value.toFixed(Math.min(places, 8)));
}

/** A number with so many decimals. */
export function fixed(value: number | null | undefined, places: number): string {
  return value === null || value === undefined || !Number.isFinite(value)
    ? MISSING
    : minus(value.toFixed(places));
}

/** A whole number with thin spaces between thousands. */
export function count(value: number | null | undefined): string {
  if (value === null || value === undefined) return MISSING;
  return minus(String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, "\u202f"));
}

/** "1 light", "12 lights". */
export function counted(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** "45 s", "3 min 20 s", "1 h 05 min". */
export function duration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return MISSING;
  if (seconds < 0.95) return "under 1 s";
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600 && whole % 60 === 0) return `${whole / 60} min`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
  const minutes = Math.round(whole / 60);
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}

/** Bytes by thousands: "640 kB", "1.2 GB". */
export function bytes(size: number | null | undefined): string {
  if (size === null || size === undefined || !Number.isFinite(size)) return MISSING;
  const units = ["B", "kB", "MB", "GB", "TB"];
  let [value, unit] = [size, 0];
  while (value >= 999.5 && unit < units.length - 1) [value, unit] = [value / 1000, unit + 1];
  return `${value < 10 && unit > 0 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

/** A share, 0 to 1, as a percentage. */
export function percent(share: number | null | undefined, places = 0): string {
  return share === null || share === undefined || !Number.isFinite(share)
    ? MISSING
    : `${(100 * share).toFixed(places)} %`;
}

/** Right ascension, degrees, as hours: "18h 03m 37.6s". */
export function rightAscension(degrees: number): string {
  const tenths = Math.round((((degrees % 360) + 360) % 360) * 2400) % 864000;
  const seconds = tenths / 10;
  return `${two(seconds / 3600)}h ${two((seconds % 3600) / 60)}m ${(seconds % 60).toFixed(1).padStart(4, "0")}s`;
}

/** Declination, degrees: "−24° 23′ 12″". */
export function declination(degrees: number): string {
  const seconds = Math.round(Math.abs(degrees) * 3600);
  const sign = degrees < 0 && seconds > 0 ? "−" : "+";
  return `${sign}${two(seconds / 3600)}° ${two((seconds % 3600) / 60)}′ ${two(seconds % 60)}″`;
}

/** The last part of a path, of either kind of slash. */
export function fileName(path: string): string {
  return path.split(/[\\/]/).filter(Boolean).at(-1) ?? path;
}

/** The folder of a path, as written. */
export function folderOf(path: string): string {
  const end = Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\"));
  return end <= 0 ? path.slice(0, end + 1) : path.slice(0, end);
}

const USUAL = /^(lights?|frames?|raws?|subs?|fits?|data|images?)$/i;

/** What a night is called after its folder or file: "/nights/M 27/lights" is "M_27". */
export function nightName(path: string): string {
  const parts = path.split(/[\\/]/).filter(Boolean);
  const last = parts.at(-1) ?? "";
  const named = USUAL.test(last) && parts.length > 1 ? parts.at(-2)! : last;
  return (
    named
      .replace(/\.[A-Za-z]\w{0,4}$/, "")
      .replace(/[^\p{L}\p{N}.+-]+/gu, "_")
      .replace(/^[._]+|[._]+$/g, "") || "night"
  );
}

/** A moment, ISO 8601, in the reader's own time: "14 Aug 2024, 23:05". */
export function moment(iso: string): string {
  const time = new Date(iso);
  if (Number.isNaN(time.getTime())) return MISSING;
  return new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" }).format(time);
}

function two(value: number): string {
  return String(Math.floor(value)).padStart(2, "0");
}

function minus(text: string): string {
  return text.replaceAll("-", "−");
}
