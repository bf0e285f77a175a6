/** What the worker is given: plain data and the compiled engine, nothing that reaches back. */
export interface SandboxRequest {
  readonly code: string;
  /** JSON of an object: what the code finds as globals. */
  readonly globals: string;
  readonly memoryMb: number;
  readonly timeMs: number;
  readonly maxResultLength: number;
  readonly maxOutputLength: number;
  readonly engine: WebAssembly.Module;
}

/** How one run of the code ended. Everything in it was written by that code. */
export type SandboxOutcome =
  | { readonly status: "returned"; readonly json: string; readonly output: string }
  | { readonly status: "threw"; readonly error: CodeError; readonly output: string }
  | { readonly status: "out-of"; readonly resource: "memory" | "time" | "process"; readonly cause?: unknown };

/** What the worker says: that the code begins now, then how it ended. */
export type SandboxMessage = { readonly status: "started" } | SandboxOutcome;

/** What the code threw, in its own words. */
export interface CodeError {
  readonly name: string;
  readonly message: string;
  /** Counted from 1. */
  readonly line?: number;
}
