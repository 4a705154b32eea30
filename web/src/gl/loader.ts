/** Fetching tiles: the most wanted first, a few at a time, given up when they leave the view. */

/** Gives a tile's channels, or rejects; an aborted signal means that nobody waits any more. */
export type Fetch<Job, Result> = (job: Job, signal: AbortSignal) => Promise<Result>;

interface Running {
  readonly abort: AbortController;
}

/** How long a tile that failed is left alone, in milliseconds: a dead server is not asked 60 times a second. */
const PATIENCE = 2000;

export class Loader<Job, Result> {
  private wanted: { key: string; job: Job }[] = [];
  private readonly running = new Map<string, Running>();
  private readonly failed = new Map<string, number>();
  requests = 0;

  constructor(
    private readonly fetch: Fetch<Job, Result>,
    private readonly arrived: (key: string, job: Job, result: Result) => void,
    private readonly atOnce = 6,
    private readonly now: () => number = () => performance.now(),
    private readonly retry: () => void = () => undefined,
  ) {}

  /** What is wanted now, most wanted first. What was under way and is wanted no longer is aborted. */
  want(jobs: readonly { key: string; job: Job }[]): void {
    const keys = new Set(jobs.map((one) => one.key));
    for (const [key, one] of this.running)
      if (!keys.has(key)) {
        one.abort.abort();
        this.running.delete(key);
      }
    this.wanted = jobs.filter((one) => !this.running.has(one.key) && !this.resting(one.key));
    this.start();
  }

  get busy(): boolean {
    return this.running.size > 0 || this.wanted.length > 0;
  }

  stop(): void {
    this.want([]);
  }

  private resting(key: string): boolean {
    const until = this.failed.get(key);
    return until !== undefined && this.now() < until;
  }

  private start(): void {
    while (this.running.size < this.atOnce && this.wanted.length > 0) {
      const { key, job } = this.wanted.shift()!;
      const one = { abort: new AbortController() };
      this.running.set(key, one);
      this.requests += 1;
      this.fetch(job, one.abort.signal).then(
        (result) => this.finished(key, one, () => this.arrived(key, job, result)),
        () => this.finished(key, one, () => this.rest(key)),
      );
    }
  }

  private finished(key: string, one: Running, then: () => void): void {
    if (this.running.get(key) !== one) return; // aborted, and perhaps asked for again since
    this.running.delete(key);
    this.failed.delete(key);
    then();
    this.start();
  }

  private rest(key: string): void {
    this.failed.set(key, this.now() + PATIENCE);
    setTimeout(this.retry, PATIENCE + 1);
  }
}
