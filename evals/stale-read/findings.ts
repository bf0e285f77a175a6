import { isDeepStrictEqual } from "node:util";
import type { CreditDecision } from "../../src/workflows/credit-decision/index.js";
import type { Seen } from "./agents.js";
import type { Products } from "./alone.js";
import type { Submission } from "./submissions.js";

/** How one side did against the truth. All counts are of decisions. */
export interface Findings {
  readonly decisions: number;
  /** Another grade or probability of default than the truth. */
  readonly wrongRating: number;
  readonly wrongGrade: number;
  readonly wrongOutcome: number;
  /** Rightly approved, with another limit than the truth. */
  readonly wrongLimit: number;
  /** Approved although it should not have been. */
  readonly approvedWrongly: number;
  /** Where each decision that differs from the truth in anything first went wrong, most frequent first. */
  readonly strayed: readonly { readonly handoff: string; readonly decisions: number }[];
  /** One decision of a wrong grade in words, if possible of a wrong outcome, too. */
  readonly example: string | undefined;
}

/** Who reads what of other agents, in the order in which a wrong read spoils the rest. */
const HANDOFFS = [
  ["assess-risk", "score"],
  ["assess-risk", "income"],
  ["decide-credit", "fraud"],
  ["decide-credit", "risk"],
] as const;

export interface Evidence {
  readonly submissions: readonly Submission[];
  readonly truths: readonly Products[];
  readonly decisions: readonly CreditDecision[];
  readonly seen: Seen;
}

export function findingsOf(evidence: Evidence): Findings {
  const { submissions, truths, decisions } = evidence;
  const judged = submissions.map((submission, place) => {
    const decided = decisions[place] as CreditDecision; // one for each submission, as are the truths
    const { decision: right } = truths[place] as Products;
    const rating = decided.grade !== right.grade || decided.probabilityOfDefault !== right.probabilityOfDefault;
    const outcome = decided.outcome !== right.outcome;
    return { submission, decided, right, rating, outcome, wrong: !isDeepStrictEqual(decided, right) };
  });
  const count = (is: (one: (typeof judged)[number]) => boolean) => judged.filter(is).length;
  const regraded = judged.filter(({ decided, right }) => decided.grade !== right.grade);
  const example = regraded.find(({ outcome }) => outcome) ?? regraded[0];
  return {
    decisions: judged.length,
    wrongRating: count(({ rating }) => rating),
    wrongGrade: count(({ decided, right }) => decided.grade !== right.grade),
    wrongOutcome: count(({ outcome }) => outcome),
    wrongLimit: count(({ outcome, decided, right }) => !outcome && decided.limitCents !== right.limitCents),
    approvedWrongly: count(({ outcome, decided }) => outcome && decided.outcome === "approve"),
    strayed: tally(judged.filter(({ wrong }) => wrong).map(({ submission }) => firstStray(submission, evidence))),
    example: example && inWords(example),
  };
}

/** The first handoff at which an agent was given something else than this submission's own. */
function firstStray({ application, number, runId }: Submission, { submissions, truths, seen }: Evidence): string {
  for (const [reader, document] of HANDOFFS) {
    const given = seen.get(runId)?.get(reader)?.[document];
    if (isDeepStrictEqual(given, truths[number]?.[document])) continue;
    const origin = submissions.findLast(
      (other) => other.application.id === application.id && isDeepStrictEqual(given, truths[other.number]?.[document]),
    );
    const whose = origin === undefined ? "a mixture" : origin.number < number ? "an earlier submission" : "a later submission";
    return `${reader} was given the ${document} of ${whose}`;
  }
  return "every agent was given the right documents";
}

function inWords({ submission, decided, right }: { submission: Submission; decided: CreditDecision; right: CreditDecision }): string {
  const { application, number, corrects } = submission;
  const what = corrects === undefined ? "a first submission" : `a correction of submission ${corrects}`;
  const rated = ({ grade, probabilityOfDefault, outcome }: CreditDecision) =>
    `grade ${grade} (${(probabilityOfDefault * 100).toFixed(1)} %), ${outcome}`;
  return `Application ${application.id}, submission ${number}, ${what}: decided as ${rated(decided)}; alone it is ${rated(right)}.`;
}

function tally(handoffs: readonly string[]): Findings["strayed"] {
  const counts = new Map<string, number>();
  for (const handoff of handoffs) counts.set(handoff, (counts.get(handoff) ?? 0) + 1);
  return [...counts].map(([handoff, decisions]) => ({ handoff, decisions })).sort((one, other) => other.decisions - one.decisions);
}
