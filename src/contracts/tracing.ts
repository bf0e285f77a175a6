import * as z from "zod";

/** What of a run LangSmith is told; whether it is told anything is up to its own environment variables. */
export const TracingOptions = z
  .strictObject({
    /**
     * Also what the runs are about: inputs, outputs, arguments, receipts and the messages of failures. Without it, which is the
     * default, spans hold names, codes, versions, hashes and numbers.
     */
    content: z.boolean().optional(),
  })
  .readonly();
export type TracingOptions = z.infer<typeof TracingOptions>;

/** Of LangSmith; LangChain goes by them, too. */
const SWITCHES = ["LANGSMITH_TRACING", "LANGSMITH_TRACING_V2", "LANGCHAIN_TRACING", "LANGCHAIN_TRACING_V2"] as const;

/** Whether the environment asks for LangSmith tracing, by the variables that LangSmith and LangChain go by themselves. */
export function isTracingOn(environment: Readonly<Record<string, string | undefined>>): boolean {
  return SWITCHES.some((name) => environment[name] === "true");
}
