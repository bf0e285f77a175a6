import * as z from "zod";

/**
 * The other side: what the agents do at the bank, and how each of it is taken back. Put your own systems behind this port.
 * Two forms ship: `sqliteBank` in this process, `httpBank` for one in a process of its own.
 */
export interface Bank {
  readonly inquiries: Book<BureauInquiry>;
  readonly evidenceHolds: Book<EvidenceHold>;
  readonly fraudCases: Book<FraudCase>;
  readonly reservations: Book<ExposureReservation>;
  readonly letters: Book<Letter>;
}

/** One kind of entry that the bank keeps. Whatever rejects with anything but a `BankRefusal` may have been done all the same. */
export interface Book<Entry extends BookEntry> {
  /**
   * Makes the entry. The same key again returns the same receipt and changes nothing. Rejects with `BankRefusal` when the
   * key stands for another entry or was struck, even if it was struck before it ever arrived.
   */
  enter(entry: Entry, idempotencyKey: string, options?: CallOptions): Promise<Receipt>;
  /** Takes the entry back, as if it had never been made. Fine when it is gone already or never was. */
  strike(idempotencyKey: string, options?: CallOptions): Promise<void>;
  /** The receipt of what stands under the key; undefined when nothing does, because it never arrived or was struck. */
  find(idempotencyKey: string, options?: CallOptions): Promise<Receipt | undefined>;
}

export interface CallOptions {
  /** Ends the waiting, not necessarily the work. */
  readonly signal?: AbortSignal;
}

/** The id follows from the key alone. */
export const Receipt = z.object({ id: z.string().min(1) }).readonly();
export type Receipt = z.output<typeof Receipt>;

const applicationId = z.string().min(1);
const cents = z.int().nonnegative();

/** A look at the credit bureau, which other lenders can see. */
const BureauInquiry = z.strictObject({ applicationId, amountCents: cents, durationMonths: z.int().positive() }).readonly();
export type BureauInquiry = z.output<typeof BureauInquiry>;

/** Documents that may not be deleted while a decision rests on them. */
const EvidenceHold = z.strictObject({ applicationId, documentIds: z.array(z.string()).readonly(), incomeStatus: z.string() }).readonly();
export type EvidenceHold = z.output<typeof EvidenceHold>;

/** The record of a screening; with a suspicion, a case for an investigator. */
const FraudCase = z.strictObject({ applicationId, verdict: z.string(), signals: z.array(z.string()).readonly() }).readonly();
export type FraudCase = z.output<typeof FraudCase>;

/** Money that no other decision may promise; 0 where nothing can be granted. */
const ExposureReservation = z.strictObject({ applicationId, amountCents: cents }).readonly();
export type ExposureReservation = z.output<typeof ExposureReservation>;

/** What the applicant is told: an offer, a referral to a person, or the notice of an adverse action. */
const Letter = z
  .strictObject({
    applicationId,
    kind: z.enum(["offer", "referral", "adverse-action"]),
    limitCents: cents,
    reasons: z.array(z.string()).readonly(),
    conditions: z.array(z.string()).readonly(),
  })
  .readonly();
export type Letter = z.output<typeof Letter>;

export interface BookEntry {
  readonly applicationId: string;
}

/** The books by the names they have in files, logs and addresses: which of the port's they are, and what may stand in them. */
export const BOOKS = {
  bureau_inquiries: { port: "inquiries", entry: BureauInquiry },
  evidence_holds: { port: "evidenceHolds", entry: EvidenceHold },
  fraud_cases: { port: "fraudCases", entry: FraudCase },
  exposure_reservations: { port: "reservations", entry: ExposureReservation },
  offers: { port: "letters", entry: Letter },
} as const satisfies Readonly<Record<string, { readonly port: keyof Bank; readonly entry: z.ZodType<BookEntry> }>>;
export type BookName = keyof typeof BOOKS;
export const BOOK_NAMES = Object.keys(BOOKS) as BookName[]; // a literal of our own

export const ACTIONS = ["enter", "strike", "find"] as const;
export type BankAction = (typeof ACTIONS)[number];

export const REFUSALS = ["KEY_REUSED", "KEY_STRUCK", "EXPOSURE_EXHAUSTED", "ENTRY_INVALID"] as const;
export type RefusalCode = (typeof REFUSALS)[number];

/** The bank says no, and will say so again. Nothing was changed. */
export class BankRefusal extends Error {
  override readonly name = "BankRefusal";

  constructor(
    readonly code: RefusalCode,
    message: string,
  ) {
    super(message);
  }
}
