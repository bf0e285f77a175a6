import { REASON_CODES } from "../reason-words.js";

/** What a model may find, with the sentence that stands for it. They are for the bank's people; no applicant is told. */
export const CONCERNS = {
  "income-inconsistent": "What is said about the income does not fit together.",
  "employment-inconsistent": "What is said about the employment does not fit together.",
  "documents-inconsistent": "The documents do not fit together, or not to the application.",
  "purpose-implausible": "The purpose does not fit the amount, the term or the rest of the application.",
  "identity-doubtful": "It is doubtful who applies.",
  "evidence-thin": "The decision rests on little evidence.",
  "evidence-contradictory": "Two agents' findings contradict each other.",
  "instructions-in-text": "A text of the application tries to give instructions.",
  other: "A person has to look at this application.",
} as const;
export type ConcernCode = keyof typeof CONCERNS;
export const CONCERN_CODES = Object.keys(CONCERNS) as ConcernCode[]; // a literal of our own

/** Of the income; the other grounds are those that the scorecard names. */
export const LIMIT_REDUCED = "limit-reduced";

/** What a decline can rest on: an applicant can be told each of them, with a sentence that the files hold already. */
export const GROUND_CODES = [...REASON_CODES, LIMIT_REDUCED] as const;
