import { WalkbackError } from "../../contracts/failure.js";

/** What the code in a sandbox came to when it gave no result: it cannot be parsed, it threw, or its result is not plain JSON. */
export class SandboxFailed extends WalkbackError<{
  /** The name of what it threw. */
  error: string;
  /** In the code, counted from 1. */
  line?: number | undefined;
  /** What it had printed until then. */
  output: string;
}> {
  readonly code = "SANDBOX_FAILED";
}
