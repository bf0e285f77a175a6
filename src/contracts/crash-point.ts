/**
 * The durable boundaries at which a process may die and lose nothing. `:before` is just before the write, `:after` just
 * after it is on disk and before anybody has been told.
 */
export const CRASH_POINTS = [
  "run.accepted:before",
  "run.accepted:after",
  "lease.claimed:after",
  "step.recorded:before",
  "step.recorded:after",
  "tier.failed:before",
  "tier.failed:after",
  "journal.intended:before",
  "journal.intended:after",
  "effect.sent:after",
  "journal.performed:after",
  "checkpoint.written:before",
  "checkpoint.written:after",
  "run.asked:after",
  "run.answered:after",
  "journal.undo-intended:after",
  "undo.sent:after",
  "journal.undone:after",
  "journal.settled:after",
  "run.ended:before",
  "run.ended:after",
] as const;

export type CrashPoint = (typeof CRASH_POINTS)[number];

/** `name` or `name#3`: kill the process when it comes by the third time. */
const armed = parse(process.env["WALKBACK_CRASH_AT"]);

/** Does nothing, unless `WALKBACK_CRASH_AT` names this point: then the process sends itself SIGKILL here. For fault tests. */
export function crashPoint(name: CrashPoint): void {
  if (armed?.name !== name || --armed.left > 0) return;
  process.kill(process.pid, "SIGKILL");
  for (;;); // the signal is on its way; nothing after this point may run
}

function parse(setting: string | undefined): { readonly name: string; left: number } | undefined {
  if (setting === undefined || setting === "") return undefined;
  const [name = "", time = "1"] = setting.split("#");
  if ((CRASH_POINTS as readonly string[]).includes(name)) return { name, left: Number(time) };
  throw new Error(`WALKBACK_CRASH_AT names no crash point: ${name}. Known: ${CRASH_POINTS.join(", ")}.`);
}
