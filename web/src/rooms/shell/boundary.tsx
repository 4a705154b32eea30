import { Component, type ReactNode } from "react";
import { savePage } from "../../engine/server";
import { addLine } from "../../state/log";

interface Props {
  /** What it holds, as the sentence begins that says what has failed. */
  readonly what: string;
  readonly children: ReactNode;
}

/** Says what is wrong where a part of the page cannot be drawn; without it React leaves a blank page. */
export class Boundary extends Component<Props, { error: Error | null }> {
  override state = { error: null as Error | null };

  static getDerivedStateFromError(error: unknown) {
    return { error: error instanceof Error ? error : new Error(String(error)) };
  }

  override componentDidCatch(error: unknown): void {
    const text = `${this.props.what} could not be drawn: ${error}`;
    addLine({ number: -1, time: new Date().toISOString(), level: "error", text, job: null });
  }

  override render() {
    const { error } = this.state;
    if (!error) return this.props.children;
    return (
      <div className="broken" role="alert">
        <h2>{this.props.what} cannot be shown</h2>
        <p>{error.message}</p>
        <p className="quiet">
          This is a fault of Sidera's. Nothing is lost: the project keeps frames, verdicts and results.
        </p>
        <div className="broken-buttons">
          <button type="button" className="boot-again" onClick={() => location.reload()}>
            Load the page again
          </button>
          <button type="button" className="boot-again" onClick={afresh}>
            Open it afresh
          </button>
        </div>
      </div>
    );
  }
}

/** Without what was kept of the page, should that be what it stumbles over. */
function afresh(): void {
  savePage({})
    .catch(() => undefined)
    .then(() => location.reload());
}
