/**
 * The other side: what the agents do at the bank, and how each of it is taken back. Put your own systems behind this port;
 * `sqliteBank` is the form that ships. Entries and receipts are plain JSON, so the bank may be another process.
 */
export interface Bank {
  readonly inquiries: Book<BureauInquiry>;
  readonly evidenceHolds: Book<EvidenceHold>;
  readonly fraudCases: Book<FraudCase>;
  readonly reservations: Book<ExposureReservation>;
  readonly letters: Book<Letter>;
}

/** One kind of entry that the bank keeps. */
export interface Book<Entry extends BookEntry> {
  /**
   * Makes the entry. The same key again returns the same receipt and changes nothing. Rejects with `BankRefusal` when the
   * key stands for another entry or was struck, even if it was struck before it ever arrived.
   */
  enter(entry: Entry, idempotencyKey: string): Promise<Receipt>;
  /** Takes the entry back, as if it had never been made. Fine when it is gone already or never was. */
  strike(idempotencyKey: string): Promise<void>;
}

/** The id follows from the key alone. */
export interface Receipt {
  readonly id: string;
}

export interface BookEntry {
  readonly applicationId: string;
}

/** A look at the credit bureau, which other lenders can see. */
export interface BureauInquiry extends BookEntry {
  readonly amountCents: number;
  readonly durationMonths: number;
}

/** Documents that may not be deleted while a decision rests on them. */
export interface EvidenceHold extends BookEntry {
  readonly documentIds: readonly string[];
  readonly incomeStatus: string;
}

/** The record of a screening; with a suspicion, a case for an investigator. */
export interface FraudCase extends BookEntry {
  readonly verdict: string;
  readonly signals: readonly string[];
}

/** Money that no other decision may promise; 0 where nothing can be granted. */
export interface ExposureReservation extends BookEntry {
  readonly amountCents: number;
}

/** What the applicant is told: an offer, a referral to a person, or the notice of an adverse action. */
export interface Letter extends BookEntry {
  readonly kind: "offer" | "referral" | "adverse-action";
  readonly limitCents: number;
  readonly reasons: readonly string[];
  readonly conditions: readonly string[];
}

export type RefusalCode = "KEY_REUSED" | "KEY_STRUCK" | "EXPOSURE_EXHAUSTED";

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
