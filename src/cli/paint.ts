import picocolors from "picocolors";
import type { RunStatus } from "../contracts/run.js";

/** Colors for stdout. Picocolors' own default also paints into the pipes of a CI. */
export const paint = picocolors.createColors(wantsColor(process.stdout));
/** Colors for stderr. */
export const paintErr = picocolors.createColors(wantsColor(process.stderr));

/** https://no-color.org and https://force-color.org */
function wantsColor({ isTTY }: { readonly isTTY?: boolean }): boolean {
  const { NO_COLOR, FORCE_COLOR, TERM } = process.env;
  if (NO_COLOR) return false;
  if (FORCE_COLOR) return FORCE_COLOR !== "0";
  return isTTY === true && TERM !== "dumb";
}

/** With a word about an answer that came from a lower tier. */
export function paintRunStatus({ status, degraded }: { readonly status: RunStatus; readonly degraded: boolean }): string {
  return `${paintStatus(status)}${degraded ? paint.yellow(", degraded") : ""}`;
}

export function paintStatus(status: RunStatus | "rejected"): string {
  switch (status) {
    case "completed":
      return paint.green(status);
    case "rolled-back":
    case "canceled":
      return paint.yellow(status);
    case "waiting":
      return paint.cyan(status);
    case "parked":
    case "rejected":
      return paint.red(status);
    case "queued":
    case "running":
      return status;
  }
}
