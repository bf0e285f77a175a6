/** Of LangSmith; LangChain goes by them, too. */
const SWITCHES = ["LANGSMITH_TRACING", "LANGSMITH_TRACING_V2", "LANGCHAIN_TRACING", "LANGCHAIN_TRACING_V2"] as const;

/** Whether the environment asks for LangSmith tracing, by the variables that LangSmith and LangChain go by themselves. */
export function isTracingOn(environment: Readonly<Record<string, string | undefined>>): boolean {
  return SWITCHES.some((name) => environment[name] === "true");
}
