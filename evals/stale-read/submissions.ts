import { v5 } from "uuid";
import { type CreditApplication, WORDS } from "../../src/workflows/credit-decision/application.js";
import { draw, drawOne, drawWhole } from "./draw.js";
import type { Settings } from "./settings.js";

/** An application on its way in. A correction bears the id of what it corrects: to the bank it is the same case. */
export interface Submission {
  /** Its place in the queue, from 0. */
  readonly number: number;
  readonly runId: string;
  readonly application: CreditApplication;
  /** The number of the submission that it corrects. */
  readonly corrects: number | undefined;
}

const NAMESPACE = "6f2f2b5e-6a0c-4d57-9a51-0d3a8f0c7b11";
/** Facts that the scorecard looks at and that applicants get wrong. */
const FACTS = ["status", "savings", "employmentDuration", "creditHistory", "otherInstallmentPlans"] as const;
const TODAY = "2026-10-12";

/** The queue: new applicants in their order, and among them corrections of recent submissions. Ends when nobody new is left. */
export function submissionsOf(applicants: Iterable<CreditApplication>, settings: Settings): readonly Submission[] {
  const { seed, submissions: wanted, corrections, within } = settings;
  const newcomers = applicants[Symbol.iterator]();
  const queue: Submission[] = [];
  while (queue.length < wanted) {
    const number = queue.length;
    const runId = v5(`${seed}/${number}`, NAMESPACE);
    const recent = queue.slice(-within);
    if (recent.length > 0 && draw(seed, "is-correction", number) < corrections) {
      const before = drawOne(recent, seed, "corrects", number);
      queue.push({ number, runId, application: corrected(before.application, seed, number), corrects: before.number });
      continue;
    }
    const { done, value } = newcomers.next();
    if (done) break;
    queue.push({ number, runId, application: value, corrects: undefined });
  }
  return queue;
}

/** Applicants made from samples by redrawing some of their facts. There is no end to them. */
export function* madeApplicants(samples: readonly CreditApplication[], seed: number): Generator<CreditApplication> {
  for (let number = 1; ; number++) {
    const name = [seed, "applicant", number] as const;
    const sample = drawOne(samples, ...name, "sample");
    const redrawn = FACTS.filter((fact) => draw(...name, fact) < 0.4);
    yield {
      ...sample,
      ...Object.fromEntries(redrawn.map((fact) => [fact, drawOne<string>(WORDS[fact], ...name, fact, "word")])),
      amountCents: scaled(sample.amountCents, drawWhole([50, 160], ...name, "amount")),
      id: `C-${String(number).padStart(4, "0")}`,
    };
  }
}

/** One third asks for another loan, one third corrects a fact, one third proves another income, which changes no score. */
function corrected(before: CreditApplication, seed: number, number: number): CreditApplication {
  const name = [seed, "correction", number] as const;
  switch (drawWhole([1, 3], ...name, "kind")) {
    case 1: {
      const durationMonths = drawOne([6, 12, 18, 24, 36, 48], ...name, "duration");
      return { ...before, durationMonths, amountCents: scaled(before.amountCents, drawOne([60, 75, 120, 150], ...name, "amount")) };
    }
    case 2: {
      const fact = drawOne(FACTS, ...name, "fact");
      const others = WORDS[fact].filter((word) => word !== before[fact]);
      return { ...before, [fact]: drawOne<string>(others, ...name, "word") };
    }
    default:
      return withIncome(before, drawWhole([9, 60], ...name, "income") * 100_00, number);
  }
}

function withIncome(before: CreditApplication, monthlyNetIncomeCents: number, number: number): CreditApplication {
  const kind = "tax-assessment" as const;
  const evidence = [{ documentId: `tax-${number}`, kind, issuer: "Finanzamt Kassel", issuedOn: "2026-05-20", monthlyNetIncomeCents }];
  return { ...before, submittedOn: before.submittedOn ?? TODAY, statedMonthlyNetIncomeCents: monthlyNetIncomeCents, evidence };
}

/** In whole hundreds of marks, within what the contract allows. */
function scaled(amountCents: number, percent: number): number {
  const hundreds = Math.round((amountCents * percent) / 100 / 100_00);
  return Math.min(1_000, Math.max(1, hundreds)) * 100_00;
}
