import * as z from "zod";
import type { JsonValue } from "../../contracts/json-value.js";
import { OutOfResources, type Resources } from "../tool/out-of-resources.js";
import { defineTool, type PlainTool } from "../tool/tool.js";
import { checkResources, MAX_CODE_LENGTH, runInSandbox, type SandboxResult } from "./run-in-sandbox.js";

export interface SandboxToolOptions<Given = Readonly<Record<string, unknown>>> {
  /** `run-javascript` when left out. */
  readonly name?: string;
  /** What the model is told of the tool, instead of what it can do. */
  readonly description?: string;
  /** What a call may use, the least first: 128 MB and 2 s, 256 MB and 5 s, 512 MB and 10 s when left out. */
  readonly ladder?: readonly Resources[];
  /** What of the agent's inputs the code sees, as the global `input`. Nothing when left out. */
  readonly input?: (inputs: Given) => unknown;
  /**
   * Runs code that lacked memory, or whose thread died, on the next rungs at once, and tells the model of it in the result (`climbed`).
   * Otherwise the model is told first and decides: it may call again with more, or write code that needs less. Time is never tried
   * again by itself: code that does not end needs another thought, not more time.
   */
  readonly selfHeal?: boolean;
}

/** What the model is told; `climbed` only where the tool healed itself. */
export interface SandboxAnswer extends SandboxResult {
  readonly climbed?: readonly string[];
}

export const SANDBOX_LADDER = [
  { memoryMb: 128, timeMs: 2000 },
  { memoryMb: 256, timeMs: 5000 },
  { memoryMb: 512, timeMs: 10_000 },
] as const satisfies readonly Resources[];

const DESCRIPTION = [
  "Runs JavaScript (ES2023) in a closed sandbox and answers { result, output }.",
  "The code is the body of an async function: end it with `return` and a value that is plain JSON (no undefined, NaN, dates or class instances; at most 256 kB).",
  "The global `input` is the task's data, or null; the global `results` has the earlier results you named in `handles`, by handle. Both are frozen.",
  "There is no network, no file, no module to import and no timer; console.log is answered as `output`. Nothing is kept from one call to the next.",
].join(" ");

const Args = z.object({
  code: z.string().min(1).max(MAX_CODE_LENGTH).describe("The body of an async function, with `return`."),
  handles: z
    .array(z.string())
    .max(20)
    .optional()
    .describe("Handles of earlier results that the code works on, each then results[handle]. Leave it out for none."),
});

/** A tool by which a model runs JavaScript that it wrote itself, in a sandbox. Throws `TOOL_INVALID` or `OPTION_INVALID` and says what to change. */
export function sandboxTool<Given = Readonly<Record<string, unknown>>>(options: SandboxToolOptions<Given> = {}): PlainTool<SandboxAnswer> {
  const { name = "run-javascript", description = DESCRIPTION, ladder = SANDBOX_LADDER, input, selfHeal = false } = options;
  for (const [index, rung] of ladder.entries()) checkResources(rung, `ladder.${index}`);
  return defineTool<typeof Args, SandboxAnswer, Given>({
    name,
    description,
    args: Args,
    ladder,
    run: ({ code, handles = [] }, { inputs, resultOf, resources = SANDBOX_LADDER[0], signal }) => {
      const results: Record<string, JsonValue> = Object.fromEntries(handles.map((handle) => [handle, resultOf(handle)]));
      const given = { input: input?.(inputs) ?? null, results, signal };
      const run = (rung: Resources) => runInSandbox(code, { ...given, resources: rung });
      const above = ladder.filter(({ memoryMb }) => memoryMb > resources.memoryMb);
      return selfHeal ? healing(resources, above, run) : run(resources);
    },
  });
}

async function healing(
  rung: Resources,
  above: readonly Resources[],
  run: (rung: Resources) => Promise<SandboxResult>,
  climbed: readonly string[] = [],
): Promise<SandboxAnswer> {
  try {
    return { ...(await run(rung)), climbed };
  } catch (thrown) {
    const [next, ...others] = above;
    if (!next || !(thrown instanceof OutOfResources) || thrown.details.resource === "time") throw thrown;
    return healing(next, others, run, [...climbed, thrown.message]);
  }
}
