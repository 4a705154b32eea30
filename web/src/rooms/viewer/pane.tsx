import { useEffect, useRef } from "react";
import { tile } from "../../engine/server";
import { watch } from "../../gl/gestures";
import { Viewer } from "../../gl/viewer";
import { toImage } from "../../lib/view";
import { complain, page } from "../../state/page";
import { pointAt } from "../../state/pixel";
import { panBy, setWindow, viewer, zoomBy, zoomExactly, zoomFit } from "../../state/viewer";
import { useSlice } from "../../widgets/use_store";
import { Overlay } from "./overlay";
import { sceneOf } from "./scene_of";
import { SplitLine } from "./split_line";
import { Tools } from "./tools";

declare global {
  interface HTMLCanvasElement {
    /** The viewer's figures (frames, draws, requests, milliseconds), for tests and the curious. */
    sidera?: Viewer["figures"];
  }
}

/** The picture, with what lies over it. */
export function ViewerPane() {
  const canvas = useRef<HTMLCanvasElement>(null);
  const image = useSlice(viewer, (now) => now.image);
  const opening = useSlice(viewer, (now) => now.opening);
  const lost = useSlice(viewer, (now) => now.lost);
  useEffect(() => (canvas.current ? run(canvas.current) : undefined), []);
  return (
    <div className="viewer" data-empty={!image || undefined}>
      <canvas
        ref={canvas}
        className="viewer-canvas"
        tabIndex={0}
        role="img"
        aria-label={image ? `${image.name}, ${image.width} by ${image.height} pixels` : "No picture yet"}
      />
      <Overlay />
      <SplitLine />
      {opening && (
        <div className="viewer-busy" role="status">
          Opening…
        </div>
      )}
      {lost && (
        <div className="viewer-busy" role="status">
          The graphics card is being set up again…
        </div>
      )}
      {image && <Tools />}
    </div>
  );
}

/** Join canvas and state; returns how to part them. */
function run(canvas: HTMLCanvasElement): () => void {
  let shown: Viewer;
  try {
    shown = new Viewer(
      canvas,
      (picture, level, x, y, channel, signal) => tile(picture.key, level, x, y, channel, signal),
      undefined,
      (lost) => viewer.setState({ lost }),
    );
  } catch (error) {
    complain(error);
    return () => undefined;
  }
  canvas.sidera = shown.figures;
  const paint = () => {
    shown.look(viewer.getState().view);
    shown.show(sceneOf(viewer.getState(), page.getState().theme));
  };
  const stops = [
    viewer.subscribe((now, old) => {
      if (now.pixel === old.pixel && now.pointer === old.pointer) paint();
    }),
    page.subscribe((now, old) => now.theme !== old.theme && paint()),
    watch(canvas, hands()),
    sized(canvas, (window) => {
      setWindow(window);
      paint();
      shown.resize(window);
    }),
    () => shown.dispose(),
  ];
  paint();
  return () => {
    for (const stop of stops) stop();
  };
}

function hands() {
  const under = (at: { x: number; y: number }) =>
    toImage(viewer.getState().view, viewer.getState().window, at);
  return {
    zoom: zoomBy,
    pan: panBy,
    point: (at: { x: number; y: number } | null) => pointAt(at && under(at)),
    twice: (at: { x: number; y: number }) => {
      if (viewer.getState().view.scale < 1) zoomExactly(1, at);
      else zoomFit();
    },
  };
}

/** Device pixels of an element, now and whenever they change. */
function sized(element: HTMLElement, tell: (size: { width: number; height: number }) => void): () => void {
  const observer = new ResizeObserver(() => {
    const ratio = globalThis.devicePixelRatio || 1;
    const { clientWidth, clientHeight } = element;
    if (clientWidth > 0 && clientHeight > 0)
      tell({ width: Math.round(clientWidth * ratio), height: Math.round(clientHeight * ratio) });
  });
  observer.observe(element);
  return () => observer.disconnect();
}
