import { AgentFailed, defineEffect, EffectRefused } from "../../index.js";
import { type Bank, BankRefusal, type Book, type BookEntry } from "./bank.js";

export const inquireAtBureau = (bank: Bank) => bookEffect("inquire-at-bureau", "calculate-score", bank.inquiries);
export const holdEvidence = (bank: Bank) => bookEffect("hold-evidence", "verify-income", bank.evidenceHolds);
export const openFraudCase = (bank: Bank) => bookEffect("open-fraud-case", "detect-fraud", bank.fraudCases);
export const reserveExposure = (bank: Bank) => bookEffect("reserve-exposure", "assess-risk", bank.reservations);
export const sendLetter = (bank: Bank) => bookEffect("send-letter", "decide-credit", bank.letters);

/** One entry in one of the bank's books for each application; undone by striking it out. */
function bookEffect<const Name extends string, Entry extends BookEntry>(name: Name, agent: string, book: Book<Entry>) {
  return defineEffect({
    name,
    kind: "keyed",
    identity: (entry: Entry) => entry.applicationId,
    perform: (entry: Entry, { idempotencyKey, signal }) =>
      book.enter(entry, idempotencyKey, { signal }).catch((thrown: unknown) => {
        throw thrown instanceof BankRefusal ? refused(agent, name, thrown) : thrown;
      }),
    undo: (_done, { performedUnder, signal }) => book.strike(performedUnder, { signal }),
  });
}

/** A refusal stands however often it is asked for, so it must not look like a fault worth another try. */
function refused(agent: string, effect: string, refusal: BankRefusal): EffectRefused | AgentFailed {
  const { code, message: reason } = refusal;
  const message = `${agent} may not perform "${effect}": ${reason}`;
  // Another entry stands under this key, from a past that this store has forgotten: it must be struck when the run walks back.
  if (code === "KEY_REUSED") return new AgentFailed(message, { agent }, { cause: refusal });
  return new EffectRefused(message, { agent, effect, reason }, { cause: refusal });
}
