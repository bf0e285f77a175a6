import { standing } from "../checkpoint/journal-view.js";
import type { Version } from "../checkpoint/ports.js";
import { crashPoint } from "../contracts/crash-point.js";
import type { Issue } from "../contracts/failure.js";
import { type Failure, type FailureCode, isOurs, type WalkbackError } from "../contracts/failure.js";
import { aborted, isBubbleUp } from "../limits/classify.js";
import { isLive, type Tier, tiersOf } from "./agent.js";
import { type Call, failureOf, type Result } from "./call.js";
import type { Runtime } from "./runtime.js";
import type { RunScope } from "./scope.js";
import { noTierOf } from "./tier-rules.js";
import { undoOtherTiers } from "./undo.js";

/** A tier that is asked, and why. */
export interface Turn {
  readonly tier: Tier;
  /** Of the tier above; undefined for the first one that can be asked. */
  readonly above: Failure | undefined;
  /** It is below the first tier that could be asked, or only stands in for work. */
  readonly degraded: boolean;
  /** The gate's, which is only for the tier whose answer it refused. */
  readonly feedback: readonly Issue[];
}

/** Not the tier's own failure, so no other tier may take its place: a human has to decide, or nothing may go on. */
const STAYS: ReadonlySet<FailureCode> = new Set(["CONFLICTING_INTENT", "EFFECT_UNCERTAIN", "APPROVAL_REQUIRED", "HUMAN_NEEDED", "ABORTED"]);

/**
 * Asks one tier after the other until one answers; each begins with nothing standing outside of what another one did. A
 * failure is on record before the next tier is asked, so work that is repeated after a crash goes on with the tier it was at.
 * With every tier failing the last failure is returned, the others among its causes.
 */
export async function askTiers(
  runtime: Runtime,
  scope: RunScope,
  call: Call,
  ask: (turn: Turn) => Promise<Version>,
): Promise<Exclude<Result, { kind: "stopped" }> & { readonly tier?: string | undefined }> {
  const { agent, step, callsRound } = call;
  const all = tiersOf(agent);
  const open = runtime.tiersFor(call);
  const best = open.find((tier) => isLive(tier));
  const first = Math.max(
    0,
    all.findIndex(({ name }) => name === call.tier),
  );
  const turns = open.filter((tier) => all.indexOf(tier) >= first);
  const failures: { readonly tier: string; readonly failure: Failure }[] = [];
  let above = await failureAbove(runtime, scope, call, all.slice(0, first));
  for (const [index, tier] of turns.entries()) {
    if (scope.signal.aborted) throw aborted(step);
    const known = await failureOnRecord(runtime, scope, call, tier.name, callsRound);
    if (known) {
      failures.push({ tier: tier.name, failure: known });
      above = known;
      continue;
    }
    const undoFailure = await undoOtherTiers(scope, agent, step, tier.name);
    if (undoFailure) return { kind: "failure", failure: undoFailure };
    if (!isLive(tier) && (await hasLeft(scope, step))) continue; // past a point of no return only work goes on
    try {
      return { kind: "version", version: await ask({ tier, above, degraded: tier !== best, feedback: index === 0 ? call.feedback : [] }) };
    } catch (thrown) {
      const failure = fallsOver(step, thrown);
      await giveUpTier(runtime, scope, { ...call, tier: tier.name }, failure, turns[index + 1]);
      failures.push({ tier: tier.name, failure });
      above = failure;
    }
  }
  return { kind: "failure", failure: together(step, failures), tier: failures.at(-1)?.tier };
}

/** Writes down that a tier has failed in a round, and that the next one is asked; once. */
export async function giveUpTier(
  runtime: Runtime,
  scope: RunScope,
  { step, round, callsRound, tier = "" }: Pick<Call, "step" | "round" | "callsRound" | "tier">,
  failure: Failure,
  next: Tier | undefined,
): Promise<void> {
  if (await failureOnRecord(runtime, scope, { step }, tier, callsRound)) return;
  crashPoint("tier.failed:before");
  if (next) scope.emit({ type: "agent.degraded", agent: step, round, from: tier, to: next.name, failure });
  const { runId, epoch } = scope;
  await runtime.store.versions.appendFailure({
    runId,
    epoch,
    agent: tierStep(step, tier),
    round: callsRound,
    failure,
    at: runtime.now().toISOString(),
  });
  crashPoint("tier.failed:after");
}

/** The tier that is asked when the gate will not have the answer of this one. */
export function tierBelow(runtime: Runtime, call: Pick<Call, "agent" | "step" | "round">, tier: string | undefined): Tier | undefined {
  const all = tiersOf(call.agent);
  const place = all.findIndex(({ name }) => name === tier);
  return place < 0 ? undefined : runtime.tiersFor(call).find((other) => all.indexOf(other) > place);
}

/** A tier that failed in a round of a step stands among the failed steps under a name that no step can have. */
export function tierStep(step: string, tier: string): string {
  return `${step}/${tier}`;
}

export function isTierStep(step: string): boolean {
  return step.includes("/");
}

async function failureOnRecord({ store }: Runtime, { runId }: RunScope, { step }: Pick<Call, "step">, tier: string, round: number) {
  const outcome = await store.versions.outcome(runId, tierStep(step, tier), round);
  return outcome?.kind === "failure" ? outcome.failure : undefined;
}

/** Why work begins below the first tier: what the nearest tier above failed with, in this round or one before. */
async function failureAbove(runtime: Runtime, scope: RunScope, call: Call, higher: readonly Tier[]): Promise<Failure | undefined> {
  for (const { name } of higher.toReversed()) {
    for (let round = call.callsRound; round >= 0; round--) {
      const known = await failureOnRecord(runtime, scope, call, name, round);
      if (known) return known;
    }
  }
  return undefined;
}

/** The failure of a tier that another one may take the place of; anything else is thrown on. */
function fallsOver(step: string, thrown: unknown): Failure {
  if (isBubbleUp(thrown)) throw thrown;
  const failure = failureOf(step, thrown);
  if (isOurs(failure) || STAYS.has(failure.code) || isFinal(failure)) throw failure;
  return failure.toJSON();
}

function isFinal({ code, details }: WalkbackError): boolean {
  return code === "UNFINISHED" && "final" in details && details.final === true;
}

/** Something of the step stands outside that has no way back. */
async function hasLeft(scope: RunScope, step: string): Promise<boolean> {
  return standing((await scope.journal()).values()).some(({ agent }) => agent === step);
}

function together(step: string, failures: readonly { readonly tier: string; readonly failure: Failure }[]): Failure {
  const [last, ...others] = failures.toReversed();
  if (!last) return noTierOf(step).toJSON();
  const before = others.map(({ tier, failure }) => `${tier}: ${failure.code}: ${failure.message}`);
  return { ...last.failure, causes: [...last.failure.causes, ...before] };
}
