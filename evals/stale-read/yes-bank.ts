import type { Bank, Book, BookEntry } from "../../src/workflows/credit-decision/index.js";

/** A bank that takes every entry and keeps none: what is measured here is what agents are told, not what they do. */
export function yesBank(): Bank {
  return { inquiries: book(), evidenceHolds: book(), fraudCases: book(), reservations: book(), letters: book() };
}

function book<Entry extends BookEntry>(): Book<Entry> {
  return { enter: async (_entry, key) => ({ id: key }), find: async () => undefined, strike: async () => {} };
}
