/** Says on stderr what keeps runs from being traced, the first time only: the runs themselves go on as if nothing were. */
export function tellOnce(): (problem: string) => void {
  let first = true;
  return (problem) => {
    if (!first) return;
    first = false;
    process.emitWarning(`Runs are not traced by LangSmith: ${problem}. The runs themselves go on; this is said once.`, {
      code: "WALKBACK_TRACING",
    });
  };
}
