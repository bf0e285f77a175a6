import type { EventLog } from "../checkpoint/ports.js";
import { messageOf } from "../contracts/failure.js";
import type { RunId } from "../contracts/ids.js";
import type { Run } from "../contracts/run.js";
import { type DegradedBy, degradedJson, degradedRuns } from "./degraded.js";
import { shortId } from "./house.js";
import { paint, paintErr, paintRunStatus } from "./paint.js";
import { print, tell } from "./print.js";
import { EXIT, exitCodeOf } from "./problem.js";
import { questionsOf, runJson } from "./results.js";
import type { Settings } from "./settings.js";

/** What becomes of runs that are carried for others, on the terminal and in the exit code. */
export interface Rests {
  readonly onRest: (run: Run) => void;
  readonly onError: (thrown: unknown, runId: RunId | undefined) => void;
  /** Resolves when every run is shown that has come to rest until now. */
  shown(): Promise<void>;
  /** Tells why runs were degraded. */
  tellWhy(): void;
  exitCode(): number;
}

export function showRests(events: () => Pick<EventLog, "list">, settings: Settings): Rests {
  const degraded = degradedRuns({ list: (runId) => events().list(runId) }, settings);
  let worst: number = EXIT.fine;
  let shown: Promise<void> = Promise.resolve();
  const onError: Rests["onError"] = (thrown, runId) => {
    worst = Math.max(worst, EXIT.runFailed);
    tell(`${paintErr.red("error:")} ${runId === undefined ? "" : `run ${shortId(runId)}: `}${messageOf(thrown)}`);
  };
  return {
    onRest(run) {
      worst = Math.max(worst, exitCodeOf(run.status));
      shown = shown.then(async () => showRest(run, await degraded.see(run), settings)).catch((thrown) => onError(thrown, run.runId));
    },
    onError,
    shown: () => shown,
    tellWhy: degraded.tell,
    exitCode: () => worst,
  };
}

/** A run that has come to rest, as one line. */
function showRest(run: Run, by: readonly DegradedBy[], settings: Settings): void {
  if (settings.json) return print(JSON.stringify({ ...runJson(run), ...degradedJson(run, by), ...questionsOf(run) }));
  const why = "failure" in run ? `  ${paint.dim(run.failure.message)}` : "";
  print(`${run.runId}  ${run.workflow.name}  ${paintRunStatus(run)}${why}`);
}
