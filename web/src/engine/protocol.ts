// Made from src/sidera/engine/protocol.py by `python -m sidera.engine.typescript`. Do not edit.

/** A setting that is left out keeps its default. */
export type Given<T> = T extends readonly unknown[] ? T : T extends object ? { [K in keyof T]?: Given<T[K]> } : T;

export const PROTOCOL = 1;

/** Find shadows, midtones and highlights. */
export interface AutoStretch {
  cmd: "autoStretch";
  id: string | number;
  imageId: string;
}

/** A generalised hyperbolic stretch or inverse hyperbolic sine; as `sidera.stretch.curves.Bend`. */
export interface BendValues {
  kind: "asinh" | "ghs";
  amount: number;
  local: number;
  symmetry: number;
  protect_low: number;
  protect_high: number;
}

/** Lights that are calibrated alike. */
export interface CalibrationRow {
  lights: string[];
  bias: string;
  dark: string;
  flat: string;
  formula: string;
  warnings: string[];
}

/** From raw ADU to calibrated ADU. */
export interface CalibrationSettings {
  /** Darks serve lights taken within this many °C of them. */
  temperature_tolerance: number;
  /** Scale a dark to the light's exposure when none of equal exposure is at hand. */
  scale_darks: boolean;
  /** Samples this many sigma off are left out of master frames. */
  master_kappa: number;
  /** Find hot and cold pixels in each light: auto does so where no dark shows them. */
  cosmetic: "auto" | "off" | "on";
  /** Pixels of a master dark this many sigma off their neighbours are defects. */
  defect_sigma: number;
  /** Refuse a light that has no safe calibration, instead of warning. */
  strict: boolean;
}

/** Stop a job, by its own name or the id of its request; null: every job. */
export interface Cancel {
  cmd: "cancel";
  id: string | number;
  job?: string | number | null;
}

/** Jobs that were told to stop; none when nothing matched. */
export interface CancelledJobs {
  cancelled: string[];
}

/** What it will take: wall seconds, and bytes. */
export interface CostEstimate {
  seconds: number;
  memory: number;
  disk: number;
  scratch: number;
  words: string;
}

/** Cut off the borders that few frames saw. */
export interface CropSettings {
  /** Crop to the largest rectangle that was covered well. */
  enabled: boolean;
  /** Every pixel kept was seen by at least this share of the most frames. */
  coverage: number;
  /** Gaps in the coverage up to this many pixels across do not count. */
  holes: number;
}

/** A screen transfer function of one channel, bent at last; as `sidera.stretch.curves.Curve`. */
export interface CurveValues {
  low: number;
  high: number;
  shadows: number;
  midtones: number;
  highlights: number;
  bend: BendValues | null;
}

/** From a colour filter array to colour. */
export interface DemosaicSettings {
  /** rcd: sharpest; bilinear: exact star colours; superpixel: half size, no interpolation. */
  method: "bilinear" | "rcd" | "superpixel" | "vng";
  /** After rcd or vng, give each colour back the light that its own pixels saw. */
  conserve_flux: boolean;
  /** Colour filter array at stored row 0, column 0; auto reads the header; none is mono. */
  bayer: "BGGR" | "GBRG" | "GRBG" | "RGGB" | "auto" | "none";
}

/** Smooth the noise of the sky, not the stars. */
export interface DenoiseSettings {
  /** Reduce noise. Off: it makes a stack look better than it is. */
  enabled: boolean;
  /** starlet: by scales, from the stack's own noise; median: 3×3 where there is only sky. */
  method: "median" | "starlet";
  /** Find the strength by comparing the stack's halves, where it has them (--halves). */
  auto: boolean;
  /** Share of the noise found that is taken; 1 leaves a sky like wax. */
  amount: number;
  /** What stays under this many sigma is noise, for starlet. */
  strength: number;
  /** garrote: what is above the noise stays as it is; soft: it is lowered, too. */
  shrink: "garrote" | "soft";
  /** Colour is smoothed so much more strongly than brightness. */
  chroma: number;
  /** Scales smoothed, the largest of 2^scales pixels. */
  scales: number;
}

/** Finding and measuring stars. */
export interface DetectionSettings {
  /** A star stands this many sigma above the filtered sky. */
  threshold: number;
  /** Keep this many of the brightest, spread evenly. */
  maximum: number;
  /** Cell of the sky mesh, in pixels. */
  mesh: number;
  /** First guess of the FWHM, in pixels. */
  fwhm: number;
}

/** How files are written. */
export interface ExportSettings {
  /** Write linear light into TIFF too; FITS and XISF always are linear. */
  linear: boolean;
  /** Bits a sample; auto: 8 for PNG and JPEG, 16 for a picture in TIFF, 32 for linear light. */
  bits: "16" | "32" | "8" | "auto";
  /** Of JPEG. */
  quality: number;
}

/** It could not be done. */
export interface Failure {
  /** null where the id could not be read. */
  id: string | number | null;
  ok: false;
  /** What was wrong, and what would be right. */
  error: string;
  code: "bad_request" | "busy" | "cancelled" | "disk_full" | "frame" | "internal" | "memory" | "not_available" | "not_found" | "nothing_to_stack" | "recipe" | "too_large" | "unreadable" | "unwritable" | "usage";
  /** JSON path of the field that is wrong. */
  path?: string;
  /** What would be right, by itself. */
  hint?: string;
  /** Why a frame cannot be used, from the closed list of the report. */
  refusal?: string;
}

/** Correct a stack, from a file or one held; the result is held, and written where ``output`` is given. */
export interface Finish {
  cmd: "finish";
  id: string | number;
  image?: string | null;
  path?: string | null;
  recipe?: Given<Recipe>;
  /** The stretch, in place of the recipe's: what is seen is what is written. */
  shown?: ShownStretch | null;
  output?: string | null;
}

/** What one correction found and did. */
export interface FinishStep {
  name: string;
  applied: boolean;
  /** For people. */
  told: string;
  figures: Record<string, (number | null)[]>;
}

/** A stack, corrected. */
export interface Finished {
  /** Linear. */
  image: string;
  name: string;
  width: number;
  height: number;
  channels: number;
  written: string[];
  steps: FinishStep[];
  /** The stretch that makes the picture of it, a curve a channel. */
  curves: CurveValues[];
  /** Share in which the stretch keeps the linear light's colours. */
  colour: number;
  /** The pixel of the stack's picture on which this one's first lies: a crop moves it. */
  offset: Offset;
}

/** A frame, and its header as Sidera understands it; units as `sidera.model.header.Header`. */
export interface FoundFrame {
  path: string;
  index: number;
  kind: string;
  width: number;
  height: number;
  planes: number;
  bayer: string | null;
  exposure: number | null;
  gain: number | null;
  offset: number | null;
  temperature: number | null;
  filter: string | null;
  target: string | null;
  camera: string | null;
  telescope: string | null;
  date: string | null;
  binning: [number, number];
  bits: string;
  format: string;
  is_master: boolean;
  combined: number;
  /** From what each thing was decided. */
  sources: Record<string, string>;
}

/** What a file's header says; exposure in seconds, temperature in °C. */
export interface FrameInfo {
  id: string;
  path: string;
  width: number;
  height: number;
  channels: number;
  bitpix: number;
  frameType: "Bias" | "Dark" | "Flat" | "Light" | "Unknown";
  exposureTime: number | null;
  temperature: number | null;
  gain: number | null;
  filterName: string | null;
  bayerPattern: string | null;
}

/** A frame that ``measure`` has just done. */
export interface FrameMessage {
  id: string | number;
  frame: MeasuredFrame;
}

/** Count pixels. */
export interface GetHistogram {
  cmd: "histogram";
  id: string | number;
  imageId: string;
  channel?: number;
  bins?: number;
}

/** Exact values of a window; what lies outside of the image is cut off. */
export interface GetPixel {
  cmd: "pixel";
  id: string | number;
  image: string;
  x: number;
  y: number;
  width?: number;
  height?: number;
}

/** Check, change and spell out a recipe: of ``toml`` or ``recipe``, with ``changes`` stage.setting=value. */
export interface GetRecipe {
  cmd: "recipe";
  id: string | number;
  recipe?: Record<string, unknown> | null;
  toml?: string | null;
  changes?: string[];
}

/** Find and measure stars. */
export interface GetStars {
  cmd: "stars";
  id: string | number;
  image: string;
  most?: number;
}

/** Pixels for the screen. */
export interface GetTile {
  cmd: "tile";
  id: string | number;
  image: string;
  level: number;
  x: number;
  y: number;
  channel?: number;
}

/** All that a viewer needs of an image held already. */
export interface GetView {
  cmd: "view";
  id: string | number;
  image: string;
}

/** Take away the sky's own light: town, moon, twilight. */
export interface GradientSettings {
  /** Remove the sky's gradient, with stars and nebulae masked. */
  enabled: boolean;
  /** auto: a polynomial whose degree the sky itself supports; polynomial: of the given degree; tps: thin-plate spline; mesh: 16 cells a side, for fields without nebulae. */
  model: "auto" | "mesh" | "polynomial" | "tps";
  /** Degree of the polynomial; the highest for auto. */
  degree: number;
  /** Of the thin-plate spline: 0 follows the sky, 1 is nearly a plane. */
  smoothing: number;
  /** subtract for light that was added; divide for light that was lost (no flat). */
  method: "divide" | "subtract";
  /** What stands this many sigma above the sky is no sky. */
  protection: number;
}

/** Who answers. */
export interface Greeting {
  engine: string;
  version: string;
  protocol: number;
  process: number;
  commands: string[];
  python: string;
  platform: string;
}

/** Ask who answers, and choose the events to be told of; absent changes nothing. */
export interface Hello {
  cmd: "hello";
  id: string | number;
  events?: ("job" | "log")[];
}

/** Pixels in equal bins from the smallest value to the largest; what is not known counts nowhere. */
export interface Histogram {
  bins: number[];
  min: number | null;
  max: number | null;
  channel: number;
}

/** Size of an image. */
export interface ImageInfo {
  cmd: "imageInfo";
  id: string | number;
  imageId: string;
}

/** Size in pixels. */
export interface ImageSize {
  width: number;
  height: number;
  channels: number;
}

/** Read a header, and no pixels. */
export interface Info {
  cmd: "info";
  id: string | number;
  path: string;
}

/** From many registered frames to one. */
export interface IntegrationSettings {
  /** What is done with the samples that were kept. */
  combine: "mean" | "median";
  /** hybrid knows the noise and the samples' own scatter; the others are classic. */
  rejection: "hybrid" | "mad" | "none" | "sigma" | "winsorized";
  /** Reject below this many sigma. */
  kappa_low: number;
  /** Reject above this many sigma. */
  kappa_high: number;
  /** Rounds of rejection at most. */
  iterations: number;
  /** local: star scale and a smooth sky surface; global: scale and one offset; none. */
  normalisation: "global" | "local" | "none";
  /** Weight frames by noise and sharpness, by noise alone, or equally. */
  weights: "noise" | "noise-fwhm" | "none";
  /** Share of the best frames to keep, 1 for all that register. */
  keep: number;
  /** Also write the stacks of odd and of even frames. */
  halves: boolean;
}

/** Work that takes its time. */
export interface Job {
  job: string;
  /** The id of the request that began it. */
  request: string | number | null;
  cmd: string;
  state: "cancelled" | "done" | "failed" | "queued" | "running";
  stage: string;
  overall: number;
  eta_s: number | null;
  /** ISO 8601 UTC. */
  created: string;
  started: string | null;
  ended: string | null;
  error: string | null;
}

/** A job changed its state. */
export interface JobEvent {
  event: "job";
  data: Job;
}

/** Running and queued jobs, then the last that ended. */
export interface Jobs {
  jobs: Job[];
}

/** Ask for running, queued and past jobs. */
export interface ListJobs {
  cmd: "jobs";
  id: string | number;
}

/** Read an image and hold it. */
export interface Load {
  cmd: "load";
  id: string | number;
  path: string;
}

/** An image that the engine holds until it is released. */
export interface LoadedImage {
  imageId: string;
}

/** Ask for lines of the log after a number. */
export interface Log {
  cmd: "log";
  id: string | number;
  after?: number;
  level?: "debug" | "error" | "info" | "warning";
  most?: number;
}

/** A line of the log. */
export interface LogEvent {
  event: "log";
  data: LogLine;
}

/** One line of the log. */
export interface LogLine {
  number: number;
  time: string;
  level: "debug" | "error" | "info" | "warning";
  text: string;
  job: string | null;
}

/** The newest lines, oldest first. */
export interface LogLines {
  lines: LogLine[];
}

/** Images of what is known of every pixel of a stack. */
export interface MapImages {
  noise: string;
  weight: string;
  coverage: string;
  rejected_low: string;
  rejected_high: string;
}

/** Measure lights, uncalibrated; each is told of as it comes. */
export interface Measure {
  cmd: "measure";
  id: string | number;
  inputs: string[];
  recipe?: Given<Recipe>;
  threads?: number | null;
}

/** Every light measured; those that could not be, with the reason. */
export interface Measured {
  frames: MeasuredFrame[];
  refused: RefusedFrame[];
}

/** Figures of a light. Lengths in pixels, levels in ADU, sky and noise one value a channel. */
export interface MeasuredFrame {
  path: string;
  index: number;
  stars: number;
  sky: (number | null)[];
  noise: (number | null)[];
  fwhm: number | null;
  hfr: number | null;
  eccentricity: number | null;
  snr: number | null;
  saturated: number;
}

/** Make the empty sky grey, by addition alone. */
export interface NeutraliseSettings {
  /** Bring the sky of the three colours to one level. */
  enabled: boolean;
  /** The level: the mean of the three colours', or green's. */
  target: "green" | "mean";
}

/** No data: the command was done. */
export type Nothing = Record<string, never>;

/** Whole pixels to the right and down. */
export interface Offset {
  x: number;
  y: number;
}

/** Shadows, midtones and highlights in parts of the image's range (see `Range`). */
export interface OldStretch {
  shadows: number;
  midtones: number;
  highlights: number;
}

/** Read an image to be looked at, and say all that a viewer needs. */
export interface Open {
  cmd: "open";
  id: string | number;
  path: string;
  /** Of a film. */
  index?: number;
  /** Show a colour filter array in colour; else its raw pixels. */
  colour?: boolean;
}

/** Stack lights with calibration frames whose kinds are given. */
export interface Pipeline {
  cmd: "pipeline";
  id: string | number;
  lightPaths?: string[];
  darkPaths?: string[];
  flatPaths?: string[];
  biasPaths?: string[];
  bayerPattern?: string | null;
  stackMethod?: string;
  kappa?: number;
  iterations?: number;
}

/** Exact values ``[channel][row][column]``; null where nobody measured. */
export interface Pixels {
  x: number;
  y: number;
  width: number;
  height: number;
  values: (((number | null)[])[])[];
  /** Of the window's middle, where the image is solved. */
  sky: Sky | null;
}

/** Say what would be done, and what it would cost. */
export interface Plan {
  cmd: "plan";
  id: string | number;
  inputs?: string[];
  lights?: string[];
  darks?: string[];
  flats?: string[];
  biases?: string[];
  flat_darks?: string[];
  exclude?: string[];
  recipe?: Given<Recipe>;
  masters?: string | null;
  memory?: number | null;
  threads?: number | null;
  /** Checked, where given: can it be written? */
  output?: string | null;
}

/** What would be done. */
export interface Planned {
  summary: string[];
  stacks: PlannedStack[];
  calibration: CalibrationRow[];
  refused: RefusedFrame[];
  cost: CostEstimate;
  threads: number;
  memory: number;
  /** The same run as a command line. */
  command: string;
}

/** One image to be. */
export interface PlannedStack {
  name: string;
  target: string | null;
  filter: string | null;
  colour: boolean;
  lights: number;
  /** Seconds in all. */
  exposure: number;
}

/** Write raw RGBA8; null stretches by itself. */
export interface Preview {
  cmd: "preview";
  id: string | number;
  imageId: string;
  outputPath: string;
  stretch?: Given<OldStretch> | null;
}

/** Raw RGBA8 on disk: width · height · 4 bytes, top row first, alpha 255. */
export interface PreviewFile {
  path: string;
  width: number;
  height: number;
}

/** How far the request's job is; at most ten a second. */
export interface ProgressMessage {
  id: string | number;
  progress: ProgressStep;
}

/** How far a job is; ``percent`` of the stage and ``overall`` of the job, 0 to 1, never falling. */
export interface ProgressStep {
  stage: string;
  percent: number;
  done: number;
  total: number;
  overall: number;
  eta_s: number | null;
  note: string;
}

/** Add frames, and keep the folders among the inputs as roots to look into again. */
export interface ProjectAdd {
  cmd: "project.add";
  id: string | number;
  folder: string;
  inputs: string[];
  /** null: headers and names tell. */
  kind?: "bias" | "dark" | "flat" | "flat-dark" | "light" | "unknown" | null;
}

/** A frame of a project. */
export interface ProjectFrame {
  frame: FoundFrame;
  /** Digest of the file: it stays the same when the file is moved. */
  key: string;
  figures: MeasuredFrame | null;
  verdict: "approved" | "rejected" | "undecided";
  /** Of the verdict. */
  reason: string;
  /** The file is not there now. */
  missing: boolean;
}

/** Frames in the order of paths. */
export interface ProjectFrameList {
  frames: ProjectFrame[];
  refused: RefusedFrame[];
}

/** Every frame with its header, figures and verdict. */
export interface ProjectFrames {
  cmd: "project.frames";
  id: string | number;
  folder: string;
}

/** Projects opened lately. */
export interface ProjectList {
  cmd: "project.list";
  id: string | number;
}

/** Measure lights that were not measured before. */
export interface ProjectMeasure {
  cmd: "project.measure";
  id: string | number;
  folder: string;
  threads?: number | null;
}

/** A project that was opened before. */
export interface ProjectName {
  folder: string;
  name: string;
  /** ISO 8601 UTC. */
  opened: string;
}

/** The last opened first. */
export interface ProjectNames {
  projects: ProjectName[];
}

/** Make a project in an empty or new folder. */
export interface ProjectNew {
  cmd: "project.new";
  id: string | number;
  folder: string;
  /** null: the folder's name. */
  name?: string | null;
}

/** Open a project; one of an older version is brought up to date, with a backup first. */
export interface ProjectOpen {
  cmd: "project.open";
  id: string | number;
  folder: string;
}

/** Say what stacking would do, and what it would cost. */
export interface ProjectPlan {
  cmd: "project.plan";
  id: string | number;
  folder: string;
  /** Checked, where given: can it be written? */
  output?: string | null;
  memory?: number | null;
  threads?: number | null;
}

/** Keep a recipe. */
export interface ProjectRecipe {
  cmd: "project.recipe";
  id: string | number;
  folder: string;
  recipe: Given<Recipe>;
}

/** Take frames or roots out of the project; files stay as they are. */
export interface ProjectRemove {
  cmd: "project.remove";
  id: string | number;
  folder: string;
  paths: string[];
}

/** A stack that was made. */
export interface ProjectResult {
  path: string;
  name: string;
  created: string;
  /** Path of its report. */
  report: string | null;
}

/** A file, folder or glob that is looked into. */
export interface ProjectRoot {
  path: string;
  /** What its frames are, where that was said. */
  kind: "bias" | "dark" | "flat" | "flat-dark" | "light" | "unknown" | null;
}

/** Stack what is not rejected; nothing is measured twice. */
export interface ProjectStack {
  cmd: "project.stack";
  id: string | number;
  folder: string;
  /** null: a new name in the project's folder ``results``, or that of the run that was cut short. Where there is a result of that name already the new one is numbered. */
  output?: string | null;
  memory?: number | null;
  threads?: number | null;
}

/** How a project stands. */
export interface ProjectState {
  folder: string;
  name: string;
  roots: ProjectRoot[];
  /** Frames by kind. */
  counts: Record<string, number>;
  measured: number;
  approved: number;
  rejected: number;
  can_undo: boolean;
  recipe: Recipe;
  results: ProjectResult[];
  unfinished: UnfinishedRun | null;
}

/** How the project stands. */
export interface ProjectStatus {
  cmd: "project.status";
  id: string | number;
  folder: string;
}

/** Take back the last verdict. */
export interface ProjectUndo {
  cmd: "project.undo";
  id: string | number;
  folder: string;
}

/** Approve or reject frames, with a reason. */
export interface ProjectVerdict {
  cmd: "project.verdict";
  id: string | number;
  folder: string;
  frames: string[];
  verdict: "approved" | "rejected" | "undecided";
  reason?: string;
}

/** Keep what the page showed, to open where it was left; absent only asks. */
export interface ProjectView {
  cmd: "project.view";
  id: string | number;
  folder: string;
  state?: unknown;
}

/** One size of the image; level 0 is whole, each next is half of it. */
export interface PyramidLevel {
  width: number;
  height: number;
  /** Tiles across. */
  columns: number;
  /** Tiles down. */
  rows: number;
}

/** Of one channel: what its pixels are scaled by on their way to the screen, and where they lie. */
export interface Range {
  /** The sky's median. A tile holds (value - centre) / spread as float16. */
  centre: number;
  /** 1.4826 times the median absolute deviation (or what the brightest pixel needs to fit into float16); 1 for 0. */
  spread: number;
  /** 0 of the stretch: the value at the 0.01 % quantile. */
  low: number;
  /** 1 of the stretch: the value at the 99.99 % quantile. */
  high: number;
  minimum: number | null;
  maximum: number | null;
  /** Pixels that nobody measured. */
  missing: number;
}

/** What is done to the frames. Command line, Python, TOML file and report all speak of this one value. */
export interface Recipe {
  calibration: CalibrationSettings;
  demosaic: DemosaicSettings;
  detection: DetectionSettings;
  registration: RegistrationSettings;
  integration: IntegrationSettings;
  crop: CropSettings;
  gradient: GradientSettings;
  neutralise: NeutraliseSettings;
  whitebalance: WhiteBalanceSettings;
  starcolour: StarColourSettings;
  scnr: ScnrSettings;
  denoise: DenoiseSettings;
  stretch: StretchSettings;
  export: ExportSettings;
}

/** A recipe in every form. */
export interface RecipeText {
  recipe: Recipe;
  toml: string;
  settings: Setting[];
  /** JSON Schema of a recipe, from which forms are made. */
  schema: Record<string, unknown>;
  /** ``stage.setting=value`` of everything that is not the default. */
  changed: string[];
}

/** A frame that is left out: a code of the closed list, the reason with its values, the cure. */
export interface RefusedFrame {
  path: string;
  index: number;
  code: string;
  reason: string;
  cure: string;
  kind: string;
}

/** Bringing every frame onto one grid. */
export interface RegistrationSettings {
  /** auto chooses the simplest model that the stars support (AICc). */
  model: "affine" | "auto" | "cubic" | "homography" | "quadratic" | "shift" | "similarity";
  /** auto chooses by stars and sharpness; or a file's name. */
  reference: string;
  /** Output frame: the reference's, what all frames share, or all that any frame saw. */
  framing: "intersection" | "reference" | "union";
  /** Refuse a frame whose stars miss by more than this, rms in pixels. */
  maximum_residual: number;
  /** How pixels are moved onto the output grid. */
  interpolation: "bilinear" | "lanczos3" | "nearest";
}

/** Let go of an image; an unknown one is let go already. */
export interface Release {
  cmd: "release";
  id: string | number;
  imageId: string;
}

/** Let go of every image. */
export interface ReleaseAll {
  cmd: "releaseAll";
  id: string | number;
}

/** Write an image; the stretch is for PNG only, null stretches by itself. */
export interface Save {
  cmd: "save";
  id: string | number;
  imageId: string;
  outputPath: string;
  format?: string;
  stretch?: Given<OldStretch> | null;
}

/** Find frames and read their headers. */
export interface Scan {
  cmd: "scan";
  id: string | number;
  inputs?: string[];
  lights?: string[];
  darks?: string[];
  flats?: string[];
  biases?: string[];
  flat_darks?: string[];
  exclude?: string[];
}

/** Everything that files and folders hold. */
export interface Scanned {
  frames: FoundFrame[];
  refused: RefusedFrame[];
  /** Pictures beside raw frames, which nobody means to stack. */
  previews: string[];
  /** Stacks of an earlier run. */
  results: string[];
}

/** Take away green where nothing in the sky is green. */
export interface ScnrSettings {
  /** Take away green that stands out of red and blue. */
  enabled: boolean;
  /** What green may reach: the average of red and blue, or the larger of them. */
  method: "average" | "maximum";
  /** What is taken: green, or its opposite. */
  colour: "green" | "magenta";
  /** Share of the excess that is taken. */
  amount: number;
}

/** One setting of the recipe. */
export interface Setting {
  name: string;
  default: string;
  meaning: string;
}

/** A stretch as a viewer shows it; as `sidera.stretch.apply.Parameters`. */
export interface ShownStretch {
  /** One for all channels, or one each; one bend for all. */
  curves: CurveValues[];
  colour?: number;
}

/** Cancel every job, answer, and end. */
export interface Shutdown {
  cmd: "shutdown";
  id: string | number;
}

/** Place in the sky, ICRS degrees. */
export interface Sky {
  ra: number;
  dec: number;
}

/** Stack; the result is held, and written where ``output`` is given. */
export interface Stack {
  cmd: "stack";
  id: string | number;
  inputs?: string[];
  lights?: string[];
  darks?: string[];
  flats?: string[];
  biases?: string[];
  flat_darks?: string[];
  exclude?: string[];
  recipe?: Given<Recipe>;
  masters?: string | null;
  memory?: number | null;
  threads?: number | null;
  output?: string | null;
  preview?: string | null;
  report?: string | null;
}

/** What a run gave. */
export interface Stacked {
  stacks: StackedImage[];
  written: string[];
  summary: string[];
  /** As ``report.json``. */
  report: Record<string, unknown>;
}

/** One stack of a run. */
export interface StackedImage {
  image: string;
  name: string;
  path: string | null;
  width: number;
  height: number;
  channels: number;
  maps: MapImages;
}

/** Give every star one colour from core to rim. */
export interface StarColourSettings {
  /** Give every star one colour, its own: optics and saturation make cores and rims of others. */
  enabled: boolean;
  /** Stars of less signal to noise than this stay as they are. */
  snr: number;
  /** Saturated cores take the colour of the star's flank, and become level; else they are taken for light like any other. */
  cores: boolean;
}

/** Stars, brightest first; every list is of one length. Pixels, ADU, degrees from +x towards +y. */
export interface StarList {
  x: number[];
  y: number[];
  flux: number[];
  snr: number[];
  fwhm: (number | null)[];
  hfr: (number | null)[];
  eccentricity: (number | null)[];
  angle: (number | null)[];
  saturated: boolean[];
}

/** From linear light to a picture. */
export interface StretchSettings {
  /** Stretch; else the picture is linear and dark. */
  enabled: boolean;
  /** auto: finds its own curve and keeps the stars' colours; stf: PixInsight's automatic curve; the others by hand. */
  method: "asinh" | "auto" | "ghs" | "linear" | "log" | "mtf" | "stf";
  /** One curve for all colours; else one each, for auto and stf. */
  linked: boolean;
  /** Brightness of the sky, for auto. */
  brightness: number;
  /** Brightness of the sky, for stf; 0.1 for a dark one. */
  background: number;
  /** Black lies this many sigma from the sky, for auto and stf; negative is below it. */
  shadows_sigma: number;
  /** White lies this many sigma above the sky, for stf, 15 for instance; 0: no limit. */
  highlights_sigma: number;
  /** Share in which the linear light's colours are kept; 0: each channel by itself. */
  colour: number;
  /** Black, by hand: 0 is the least of the image's values, 1 the greatest. */
  shadows: number;
  /** What becomes one half, for mtf. */
  midtones: number;
  /** White, by hand: 0 is the least of the image's values, 1 the greatest. */
  highlights: number;
  /** Strength of asinh, ghs and log: ln(D + 1), the slope at the symmetry point. */
  amount: number;
  /** Local intensity b of ghs: how fast the stretch fades around its symmetry point. */
  local: number;
  /** Symmetry point SP of ghs, between black and white: where contrast is highest. */
  symmetry: number;
  /** Shadows under this LP of ghs are stretched evenly. */
  protect_low: number;
  /** Highlights over this HP of ghs are stretched evenly. */
  protect_high: number;
}

/** It was done; ``data`` is what `REPLIES` names for the command. */
export interface Success {
  id: string | number;
  ok: true;
  data: unknown;
}

/** Pixels of one channel: rows of ``width`` float16, little endian, gutters included. */
export interface Tile {
  image: string;
  level: number;
  x: number;
  y: number;
  channel: number;
  width: number;
  height: number;
  /** Base64 in JSON. */
  pixels: string;
}

/** Work that the end of the engine cut short: begun again, it goes on with what was finished. */
export interface UnfinishedRun {
  command: string;
  output: string | null;
  /** ISO 8601 UTC. */
  started: string;
}

/** All that a viewer needs before its first tile. */
export interface View {
  /** The engine's name of it, until released. */
  image: string;
  /** Digest of the pixels: the same for ever, in every run. Commands take it in place of ``image``. */
  key: string;
  kind: "finished" | "frame" | "map" | "stack";
  name: string;
  path: string | null;
  width: number;
  height: number;
  channels: number;
  /** Side of a tile without its gutter. */
  tile: number;
  /** Pixels around a tile that repeat its neighbours', so that interpolation shows no seam. */
  gutter: number;
  /** Value in a tile that stands for "nobody measured this pixel". */
  sentinel: number;
  levels: PyramidLevel[];
  ranges: Range[];
  /** The automatic stretch with one curve for all channels, a curve a channel. */
  linked: CurveValues[];
  unlinked: CurveValues[];
  /** Its header says where in the sky it lies. */
  solved: boolean;
  /** Of a stack: what is known of every pixel. */
  maps: MapImages | null;
}

/** What the page showed; null when nothing was kept. */
export interface ViewState {
  state: unknown;
}

/** Make light of the colour of the Sun white. */
export interface WhiteBalanceSettings {
  /** Balance the three colours. */
  enabled: boolean;
  /** stars: from the colours of the field's own stars; manual: by red, green and blue. */
  method: "manual" | "stars";
  /** Temperature in kelvin of the star that is to be white. */
  white: number;
  /** Factor on red, for manual. */
  red: number;
  /** Factor on green, for manual. */
  green: number;
  /** Factor on blue, for manual. */
  blue: number;
}

export interface Requests {
  "info": Info;
  "load": Load;
  "release": Release;
  "releaseAll": ReleaseAll;
  "imageInfo": ImageInfo;
  "preview": Preview;
  "histogram": GetHistogram;
  "autoStretch": AutoStretch;
  "pipeline": Pipeline;
  "save": Save;
  "hello": Hello;
  "jobs": ListJobs;
  "cancel": Cancel;
  "log": Log;
  "shutdown": Shutdown;
  "open": Open;
  "view": GetView;
  "tile": GetTile;
  "pixel": GetPixel;
  "stars": GetStars;
  "scan": Scan;
  "plan": Plan;
  "measure": Measure;
  "stack": Stack;
  "finish": Finish;
  "recipe": GetRecipe;
  "project.new": ProjectNew;
  "project.open": ProjectOpen;
  "project.list": ProjectList;
  "project.add": ProjectAdd;
  "project.remove": ProjectRemove;
  "project.status": ProjectStatus;
  "project.frames": ProjectFrames;
  "project.verdict": ProjectVerdict;
  "project.undo": ProjectUndo;
  "project.recipe": ProjectRecipe;
  "project.view": ProjectView;
  "project.plan": ProjectPlan;
  "project.measure": ProjectMeasure;
  "project.stack": ProjectStack;
}

export interface Replies {
  "info": FrameInfo;
  "load": LoadedImage;
  "release": Nothing;
  "releaseAll": Nothing;
  "imageInfo": ImageSize;
  "preview": PreviewFile;
  "histogram": Histogram;
  "autoStretch": OldStretch;
  "pipeline": LoadedImage;
  "save": Nothing;
  "hello": Greeting;
  "jobs": Jobs;
  "cancel": CancelledJobs;
  "log": LogLines;
  "shutdown": Nothing;
  "open": View;
  "view": View;
  "tile": Tile;
  "pixel": Pixels;
  "stars": StarList;
  "scan": Scanned;
  "plan": Planned;
  "measure": Measured;
  "stack": Stacked;
  "finish": Finished;
  "recipe": RecipeText;
  "project.new": ProjectState;
  "project.open": ProjectState;
  "project.list": ProjectNames;
  "project.add": ProjectState;
  "project.remove": ProjectState;
  "project.status": ProjectState;
  "project.frames": ProjectFrameList;
  "project.verdict": ProjectState;
  "project.undo": ProjectState;
  "project.recipe": ProjectState;
  "project.view": ViewState;
  "project.plan": Planned;
  "project.measure": ProjectFrameList;
  "project.stack": Stacked;
}

export type Command = keyof Requests;
export type AnyRequest = Requests[Command];
export type Message = Success | Failure | ProgressMessage | FrameMessage | JobEvent | LogEvent;
