import type { CreditApplication, Evidence } from "./application.js";
import type { CreditFraud } from "./contracts.js";
import { daysBetween } from "./days.js";
import { isFromEmployer, sameName, shownBy } from "./papers.js";

export type FraudSignal = CreditFraud["signals"][number];

/** How likely fraud is where the signal is seen, by experience rather than by a fit: there is no labeled fraud to fit on. */
const CONFIDENCE = {
  "failed-identity-check": 0.9,
  "reused-document": 0.9,
  "evidence-from-the-future": 0.85,
  "payslip-while-unemployed": 0.8,
  "issuer-mismatch": 0.55,
  "income-far-above-evidence": 0.5,
  "other-account-holder": 0.45,
  "many-applications": 0.4,
  "unreadable-identity": 0.4,
} as const;
type SignalName = keyof typeof CONFIDENCE;

/**
 * How likely fraud is where nothing points to it (the leak of a noisy-or): no screening sees everything. An assumption, like
 * the figures above, and meant to be high: five in a hundred keeps `clear` well above the gate's 0.7, and never certain.
 */
const UNSEEN_FRAUD = 0.05;

const MANY_APPLICATIONS_A_DAY = 3;
const FAR_ABOVE = 2;
/** A payslip this fresh speaks for a job held today. */
const CURRENT_DAYS = 45;

/** What does not fit together in an application, most telling first. An application that says nothing of itself has no signals. */
export function fraudSignals(application: CreditApplication): readonly FraudSignal[] {
  const details: Readonly<Record<SignalName, string | undefined>> = {
    ...channelDetails(application),
    ...evidenceDetails(application),
  };
  return (Object.keys(CONFIDENCE) as SignalName[]).flatMap((name) => {
    const detail = details[name];
    return detail === undefined ? [] : [{ name, confidence: CONFIDENCE[name], detail }];
  });
}

/** The probability that at least one signal is right or that fraud went unseen, taking them for independent (leaky noisy-or). */
export function combined(signals: readonly FraudSignal[]): number {
  const innocent = signals.reduce((product, { confidence }) => product * (1 - confidence), 1 - UNSEEN_FRAUD);
  return Math.round((1 - innocent) * 1000) / 1000;
}

function channelDetails({ channel = {} }: CreditApplication) {
  const { applicationsLast24Hours = 0, identityCheck, accountHolderMatches } = channel;
  const many = applicationsLast24Hours >= MANY_APPLICATIONS_A_DAY;
  return {
    "failed-identity-check": identityCheck === "failed" ? "The identity document failed its check." : undefined,
    "unreadable-identity": identityCheck === "unreadable" ? "The identity document could not be read." : undefined,
    "other-account-holder": accountHolderMatches === false ? "The payout account belongs to somebody else." : undefined,
    "many-applications": many ? `${applicationsLast24Hours} applications came from the same device within a day.` : undefined,
  };
}

function evidenceDetails(application: CreditApplication) {
  const { evidence = [], submittedOn, employer, employmentDuration, statedMonthlyNetIncomeCents: stated = 0 } = application;
  const reused = evidence.find((one, index) => evidence.slice(0, index).some((earlier) => samePaper(earlier, one)));
  const future = evidence.find(({ issuedOn }) => submittedOn !== undefined && issuedOn > submittedOn);
  const current = evidence.find((one) => isFromEmployer(one) && submittedOn !== undefined && isCurrent(one, submittedOn));
  const fromEmployers = evidence.filter(isFromEmployer);
  const named = employer === undefined || fromEmployers.some(({ issuer }) => sameName(issuer, employer));
  const foreign = named ? undefined : fromEmployers[0]; // beside a paper of the employer's, it speaks for a second job
  const { mostCents = Number.POSITIVE_INFINITY } = shownBy(evidence) ?? {};
  return {
    "reused-document": reused && `${reused.documentId} was handed in before as another document, or with other figures.`,
    "evidence-from-the-future": future && `${future.documentId} is dated ${future.issuedOn}, after the application.`,
    "payslip-while-unemployed":
      employmentDuration === "unemployed" && current ? `${current.documentId} speaks for a job the applicant does not have.` : undefined,
    "issuer-mismatch": foreign && `${foreign.documentId} comes from ${foreign.issuer.slice(0, 60)}, not from the employer.`,
    "income-far-above-evidence":
      stated > mostCents * FAR_ABOVE ? "The stated income is more than twice what the evidence shows." : undefined,
  };
}

/** The same content under two names, or one name for two contents. */
function samePaper(one: Evidence, other: Evidence): boolean {
  const sameContent = one.contentHash !== undefined && one.contentHash === other.contentHash;
  return sameContent || one.documentId === other.documentId;
}

function isCurrent({ issuedOn }: Evidence, submittedOn: string): boolean {
  return Math.abs(daysBetween(issuedOn, submittedOn)) <= CURRENT_DAYS;
}
