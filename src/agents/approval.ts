import { ApprovalRequired } from "../contracts/failure.js";
import { seal } from "../contracts/json.js";
import type { JsonValue } from "../contracts/json-value.js";
import type { Effect } from "./effect.js";
import type { EffectSite } from "./effect-site.js";

/**
 * Throws `APPROVAL_REQUIRED` unless a human has approved this effect with exactly these arguments, and not too long ago.
 * The approval is bound to a hash of the arguments: when they change, so does the question.
 */
export async function requireApproval(site: EffectSite, effect: Effect, identity: string, args: JsonValue): Promise<void> {
  const argsHash = seal(args).hash;
  const now = site.scope.now().getTime();
  const answered = await site.scope.store.runs.answered(site.scope.runId);
  const approved = answered.some(({ question, answer, answeredAt }) => {
    const { agent, details } = question;
    const same =
      question.kind === "approval" && agent === site.step && details["effect"] === effect.name && details["argsHash"] === argsHash;
    return same && answer.decision === "approve" && now - Date.parse(answeredAt) <= effect.approvalTtlMs;
  });
  if (approved) return;
  const message = `${site.step} wants to perform "${effect.name}" (${identity}), which cannot be undone. A human must approve it with these arguments.`;
  throw new ApprovalRequired(message, {
    agent: site.step,
    effect: effect.name,
    identity,
    args,
    argsHash,
    expiresAfterMs: effect.approvalTtlMs,
  });
}
