import type { LedgerEntry, SagaAction, SagaOutcome, SagaReport, SagaScenario } from "./scenario.js";

/** One process of the engine, from its start to its end. */
export interface SagaLife {
  /** `exited` by itself, `crashed` by our kill -9, or `timed-out`. */
  readonly ended: "exited" | "crashed" | "timed-out";
  readonly exitCode: number | null;
  /** The end of what it printed. */
  readonly output: string;
}

/** What was seen from outside. */
export interface SagaObservation {
  readonly scenario: SagaScenario;
  readonly log: readonly LedgerEntry[];
  readonly lives: readonly Pick<SagaLife, "ended">[];
  readonly report?: SagaReport | undefined;
}

export interface SagaVerdict {
  readonly scenario: SagaScenario;
  readonly passed: boolean;
  /** Why it did not pass, a sentence each. */
  readonly findings: readonly string[];
  /** The steps whose effect stands at the end, as often as it does. */
  readonly left: readonly string[];
  /** What took effect more often than it should have, like `undo B`. */
  readonly doubled: readonly string[];
  /** Undone before, or without, having taken effect. */
  readonly undoneInVain: readonly string[];
  /** Whether the engine named what is left; `unsaid` when it did not say, which is no fault. */
  readonly reported: "right" | "wrong" | "unsaid";
}

/** What no engine can undo. */
const INEVITABLE: Readonly<Record<SagaScenario, readonly string[]>> = { fail: ["B"], crash: [], parallel: [] };

type Milestone = readonly [SagaAction, string, SagaOutcome];

/** What must have happened, or the scenario was not gone through. */
const MILESTONES: Readonly<Record<SagaScenario, readonly Milestone[]>> = {
  fail: [
    ["perform", "A", "done"],
    ["perform", "B", "done"],
    ["perform", "C", "done"],
    ["perform", "D", "refused"],
    ["undo", "B", "refused"],
  ],
  crash: [
    ["perform", "A", "done"],
    ["perform", "B", "done"],
    ["perform", "C", "done"],
    ["perform", "D", "refused"],
    ["undo", "B", "done"],
  ],
  parallel: [["perform", "A2", "refused"]],
};

/** Pure: goes by the ledger's log and by how the processes ended. What the engine says is compared, never believed. */
export function judgeSaga({ scenario, log, lives, report }: SagaObservation): SagaVerdict {
  const { left, doubled, undoneInVain } = settleAccounts(log);
  const reported = judgeReport(left, report);
  const missed = MILESTONES[scenario].filter(([action, step, outcome]) => !log.some(isEntry({ action, step, outcome })));
  const crashed = lives.some(({ ended }) => ended === "crashed");
  const findings = [
    ...missed.map(([action, step, outcome]) => `${action} ${step} was never ${outcome}: the saga did not get that far.`),
    ...(scenario === "crash" && !crashed ? ["The process ended before it could be killed."] : []),
    ...(lives.at(-1)?.ended === "exited" ? [] : ["The engine did not finish in time."]),
    ...without(left, INEVITABLE[scenario]).map((step) => `${step} is left standing.`),
    ...doubled.map((call) => `${call} took effect more than once.`),
    ...(reported === "wrong" ? [`The engine says that ${list(report?.remaining)} remains, but it is ${list(left)}.`] : []),
  ];
  return { scenario, passed: findings.length === 0, findings, left, doubled, undoneInVain, reported };
}

interface Account {
  performed: number;
  standing: number;
  undoneTwice: number;
  undoneInVain: number;
}

/** Goes through the log in order: an undo takes back one effect that stands, or is one too many, or is in vain. */
function settleAccounts(log: readonly LedgerEntry[]) {
  const accounts = new Map<string, Account>();
  for (const { action, step, outcome } of log) {
    const account = accounts.get(step) ?? { performed: 0, standing: 0, undoneTwice: 0, undoneInVain: 0 };
    accounts.set(step, account);
    if (outcome !== "done") continue;
    if (action === "perform") {
      account.performed++;
      account.standing++;
    } else if (account.standing > 0) account.standing--;
    else if (account.performed > 0) account.undoneTwice++;
    else account.undoneInVain++;
  }
  const steps = [...accounts];
  return {
    left: steps.flatMap(([step, { standing }]) => Array<string>(standing).fill(step)),
    doubled: steps.flatMap(([step, { performed, undoneTwice }]) => [
      ...(performed > 1 ? [`perform ${step}`] : []),
      ...(undoneTwice > 0 ? [`undo ${step}`] : []),
    ]),
    undoneInVain: steps.flatMap(([step, { undoneInVain }]) => (undoneInVain > 0 ? [step] : [])),
  };
}

function judgeReport(left: readonly string[], report: SagaReport | undefined): SagaVerdict["reported"] {
  if (!report) return "unsaid";
  const same = without(report.remaining, left).length === 0 && without(left, report.remaining).length === 0;
  return same ? "right" : "wrong";
}

function isEntry(wanted: Pick<LedgerEntry, "action" | "step" | "outcome">) {
  return ({ action, step, outcome }: LedgerEntry) => action === wanted.action && step === wanted.step && outcome === wanted.outcome;
}

function without(steps: readonly string[], others: readonly string[]): string[] {
  return [...new Set(steps)].filter((step) => !others.includes(step));
}

function list(steps: readonly string[] = []): string {
  return steps.join(", ") || "nothing";
}
