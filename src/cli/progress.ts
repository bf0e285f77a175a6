import type { StoreProgress } from "../checkpoint/ports.js";
import { paintErr } from "./paint.js";
import type { Settings } from "./settings.js";

/** One line on a terminal that says how far we are. Silent everywhere else. */
export interface Progress extends Disposable {
  /** One more is done. */
  advance(failed: boolean): void;
  /** Takes the line away, before something else is written. */
  clear(): void;
}

export interface ProgressOptions {
  readonly total: number | undefined;
  readonly enabled: boolean;
  readonly now?: () => number;
  readonly write?: (text: string) => void;
}

const PAUSE_MS = 100;
const CLEAR_LINE = "\r\u001B[K";

/**
 * Counts, the rate and the time that is left, redrawn ten times a second. The progress bar of @clack/prompts would not
 * do: it reads standard input in raw mode, which swallows `--input -` and turns Ctrl-C into an exit with code 0.
 */
export function startProgress({ total, enabled, now = performance.now.bind(performance), write = toStderr }: ProgressOptions): Progress {
  const startedAt = now();
  let done = 0;
  let failed = 0;
  const draw = () => write(CLEAR_LINE + paintErr.dim(progressLine({ done, failed, total, elapsedMs: now() - startedAt })));
  const clear = () => {
    if (enabled) write(CLEAR_LINE);
  };
  const timer = enabled ? setInterval(draw, PAUSE_MS) : undefined;
  return {
    advance(hasFailed) {
      done++;
      if (hasFailed) failed++;
    },
    clear,
    [Symbol.dispose]() {
      clearInterval(timer);
      clear();
    },
  };
}

/** A line that follows what something else tells of its progress, where such a line is wanted. */
export function followProgress(settings: Settings): Disposable & { readonly tell: (progress: StoreProgress) => void } {
  const enabled = showsProgress(settings);
  let line: Progress | undefined;
  let shown = 0;
  return {
    tell({ done, total }) {
      line ??= startProgress({ total, enabled });
      for (; shown < done; shown++) line.advance(false);
    },
    [Symbol.dispose]: () => line?.[Symbol.dispose](),
  };
}

/** Not in a pipe, and not where it would get between the lines of the output. */
export function showsProgress({ json }: Settings): boolean {
  return process.stderr.isTTY && !(json && process.stdout.isTTY) && process.env["TERM"] !== "dumb";
}

export interface ProgressState {
  readonly done: number;
  readonly failed: number;
  readonly total: number | undefined;
  readonly elapsedMs: number;
}

export function progressLine({ done, failed, total, elapsedMs }: ProgressState): string {
  const rate = elapsedMs > 0 ? done / (elapsedMs / 1000) : 0;
  const left = total === undefined ? 0 : Math.max(total - done, 0);
  return [
    total === undefined ? `${done} done` : `${done}/${Math.max(total, done)}`,
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(rate > 0 ? [`${rate.toFixed(rate < 10 ? 1 : 0)}/s`] : elapsedMs >= 1000 ? [duration(elapsedMs)] : []),
    ...(total !== undefined && rate > 0 ? [`ETA ${duration((left / rate) * 1000)}`] : []),
  ].join(" · ");
}

/** A time span for people. */
export function duration(spanMs: number): string {
  if (spanMs < 1000) return `${Math.round(spanMs)} ms`;
  const seconds = spanMs / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min ${Math.round(seconds % 60)} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

function toStderr(text: string): void {
  process.stderr.write(text);
}
