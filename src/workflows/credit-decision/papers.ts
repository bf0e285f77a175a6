import type { Evidence } from "./application.js";
import { DOCUMENTS_NEEDED } from "./policy.js";

/** What papers say of an income, in cents a month. */
export interface Shown {
  /** By the source that shows most; an income above it is borne out by nothing. */
  readonly mostCents: number;
  /** By the source that shows least. */
  readonly leastCents: number;
  /** Null where it takes more papers than these. */
  readonly provenCents: number | null;
}

/**
 * What the papers show; undefined without any. Papers of one issuer are compared among themselves, and the newest counts. The
 * pay of different employers adds up; bank statements and tax assessments each see the whole income, so the largest counts.
 * A source proves its own figure; where it takes two kinds of source to have two papers, the lower figure is proven.
 */
export function shownBy(papers: readonly Evidence[]): Shown | undefined {
  if (papers.length === 0) return undefined;
  const sources = sourcesOf(papers);
  const figures = sources.map(({ cents }) => cents);
  const leastCents = Math.min(...figures);
  const provenAlone = sources.filter((source) => isProof(source.papers)).map(({ cents }) => cents);
  const provenTogether = isProof(papers) ? leastCents : null;
  return {
    mostCents: Math.max(...figures),
    leastCents,
    provenCents: provenAlone.length > 0 ? Math.max(...provenAlone) : provenTogether,
  };
}

export function isFromEmployer({ kind }: Evidence): boolean {
  return kind === "payslip" || kind === "employer-letter";
}

/** Whether two names mean one house, whatever their case, punctuation and legal form. */
export function sameName(one: string, other: string): boolean {
  return plainName(one) === plainName(other);
}

interface Source {
  readonly papers: readonly Evidence[];
  readonly cents: number;
}

function sourcesOf(papers: readonly Evidence[]): readonly Source[] {
  const pay = papers.filter(isFromEmployer);
  const statements = papers.filter(({ kind }) => kind === "bank-statement");
  const assessments = papers.filter(({ kind }) => kind === "tax-assessment");
  return [
    { papers: pay, cents: newestOfEachIssuer(pay).reduce((sum, cents) => sum + cents, 0) },
    { papers: statements, cents: Math.max(0, ...newestOfEachIssuer(statements)) },
    { papers: assessments, cents: Math.max(0, ...newestOfEachIssuer(assessments)) },
  ].filter((source) => source.papers.length > 0);
}

/** The lower one where two of a day disagree. */
function newestOfEachIssuer(papers: readonly Evidence[]): readonly number[] {
  const issuers = new Set(papers.map(({ issuer }) => plainName(issuer)));
  return [...issuers].map((issuer) => {
    const theirs = papers.filter((paper) => plainName(paper.issuer) === issuer);
    const newest = theirs
      .map(({ issuedOn }) => issuedOn)
      .toSorted()
      .at(-1); // ISO dates sort as text
    return Math.min(...theirs.filter(({ issuedOn }) => issuedOn === newest).map((paper) => paper.monthlyNetIncomeCents));
  });
}

function isProof(papers: readonly Evidence[]): boolean {
  const different = papers.filter((paper, index) => !papers.slice(0, index).some((earlier) => isOneDocument(earlier, paper)));
  return different.length >= DOCUMENTS_NEEDED || papers.some(({ kind }) => kind === "tax-assessment");
}

/** By its name, by its content, or because nobody issues two that say the same on one day. */
function isOneDocument(one: Evidence, other: Evidence): boolean {
  if (one.documentId === other.documentId) return true;
  if (one.contentHash !== undefined && one.contentHash === other.contentHash) return true;
  const saysTheSame = one.issuedOn === other.issuedOn && one.monthlyNetIncomeCents === other.monthlyNetIncomeCents;
  return saysTheSame && one.kind === other.kind && sameName(one.issuer, other.issuer);
}

const LEGAL_FORMS: ReadonlySet<string> = new Set(["gmbh", "mbh", "ag", "kg", "se", "ug", "co", "ek", "ltd", "inc"]);

/** A name that is nothing but legal forms and punctuation stays as it is. */
function plainName(name: string): string {
  const words = name
    .normalize("NFKC")
    .toLowerCase()
    .replaceAll(/[.'’]/g, "") // e.K. is one word
    .split(/[^\p{L}\p{M}\p{N}]+/u);
  const telling = words.filter((word) => word !== "" && !LEGAL_FORMS.has(word));
  return telling.join(" ") || name.trim().toLowerCase();
}
