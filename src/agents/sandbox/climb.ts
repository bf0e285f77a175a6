import { optionInvalid } from "../../contracts/failure.js";
import type { AgentContext } from "../agent.js";
import { needsMore, OutOfResources, type Resources } from "../tool/out-of-resources.js";

/**
 * For agents written in code: tries the work with what the lowest rung gives and, each time it throws `OutOfResources`, again
 * with the next. After the last rung a human is asked (`HUMAN_NEEDED`), who is told all that was tried. Anything else that is
 * thrown comes out as it is.
 */
export async function climb<Result>(
  { agent }: Pick<AgentContext, "agent">,
  ladder: readonly Resources[],
  run: (resources: Resources) => Promise<Result>,
): Promise<Result> {
  if (ladder.length === 0) throw optionInvalid("ladder", "has no rungs");
  const tried: OutOfResources[] = [];
  for (const rung of ladder) {
    try {
      return await run(rung);
    } catch (thrown) {
      if (!(thrown instanceof OutOfResources)) throw thrown;
      tried.push(thrown);
    }
  }
  throw needsMore(agent, tried);
}
