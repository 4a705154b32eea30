/** Where the eye is: a picture seen through a window, with zoom and pan. Plain algebra, no drawing. */

/** Width and height in pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

/**
 * `scale` is screen pixels for one image pixel; (`x`, `y`) is the point of the picture in the middle of the window,
 * in image pixels from the top left corner of the picture as shown.
 */
export interface View {
  readonly scale: number;
  readonly x: number;
  readonly y: number;
}

/** An image pixel is never drawn larger than this. */
export const LARGEST = 64;
/** Steps of the keys and buttons: two to an octave. */
export const STEP = Math.SQRT2;
/** A picture may be made so many times smaller than the window. */
const SMALLEST = 0.5;

/** The whole picture, centred, as large as the window allows. */
export function fitted(image: Size, window: Size): View {
  const scale = Math.min(window.width / image.width, window.height / image.height);
  return { scale: scale > 0 && Number.isFinite(scale) ? scale : 1, x: image.width / 2, y: image.height / 2 };
}

/** The point of the picture under a point of the window. */
export function toImage(view: View, window: Size, at: Point): Point {
  return {
    x: view.x + (at.x - window.width / 2) / view.scale,
    y: view.y + (at.y - window.height / 2) / view.scale,
  };
}

/** The point of the window over a point of the picture. */
export function toScreen(view: View, window: Size, at: Point): Point {
  return {
    x: window.width / 2 + (at.x - view.x) * view.scale,
    y: window.height / 2 + (at.y - view.y) * view.scale,
  };
}

/** Zoom by `factor` so that what lies under `at` stays under it. */
export function zoomAbout(view: View, image: Size, window: Size, at: Point, factor: number): View {
  const least = fitted(image, window).scale * SMALLEST;
  const scale = Math.min(Math.max(view.scale * factor, Math.min(least, 1)), LARGEST);
  const fixed = toImage(view, window, at);
  return held(
    {
      scale,
      x: fixed.x - (at.x - window.width / 2) / scale,
      y: fixed.y - (at.y - window.height / 2) / scale,
    },
    image,
  );
}

/** Zoom to an exact scale about a point; 1 is one image pixel to a screen pixel. */
export function zoomTo(view: View, image: Size, window: Size, at: Point, scale: number): View {
  const zoomed = zoomAbout(view, image, window, at, scale / view.scale);
  // The product of the factors may miss 1 by its last bit, and less than 1 is drawn otherwise.
  return Math.abs(zoomed.scale / scale - 1) < 1e-9 ? { ...zoomed, scale } : zoomed;
}

/** Move by screen pixels, as a hand drags paper. */
export function pan(view: View, image: Size, dx: number, dy: number): View {
  return held({ ...view, x: view.x - dx / view.scale, y: view.y - dy / view.scale }, image);
}

/** The middle of the window never leaves the picture, so that the picture is never lost. */
function held(view: View, image: Size): View {
  return {
    scale: view.scale,
    x: Math.min(Math.max(view.x, 0), image.width),
    y: Math.min(Math.max(view.y, 0), image.height),
  };
}

/** Whether this is what `fitted` gives, so that a resized window may go on fitting. */
export function isFitted(view: View, image: Size, window: Size): boolean {
  const whole = fitted(image, window);
  return (
    Math.abs(view.scale / whole.scale - 1) < 1e-6 &&
    Math.abs(view.x - whole.x) * view.scale < 0.5 &&
    Math.abs(view.y - whole.y) * view.scale < 0.5
  );
}

/**
 * The same view by less than a screen pixel: edges of image pixels lie on edges of screen pixels, so that at 1:1 every
 * pixel is shown as it is. Smaller than 1:1 nothing is to be gained.
 */
export function snapped(view: View, window: Size): View {
  if (view.scale < 1) return view;
  const edge = (middle: number, at: number) => middle - Math.round(middle - at * view.scale);
  return {
    scale: view.scale,
    x: edge(window.width / 2, view.x) / view.scale,
    y: edge(window.height / 2, view.y) / view.scale,
  };
}
