import * as z from "zod";
import { ACTIONS, type BankAction, BOOK_NAMES, type BookName } from "./bank.js";

/** Which of the calls that a fault is about it meets, in the order in which they come in. */
const calls = z
  .union([
    z.literal("all"),
    z.strictObject({ next: z.int().positive() }),
    z.strictObject({ firstOfEachKey: z.int().positive() }),
    z.strictObject({ probability: z.number().min(0).max(1), seed: z.int().default(1) }),
  ])
  .default("all");

/** A fault without a book is about all of them, and so with actions. */
const about = { book: z.enum(BOOK_NAMES).exactOptional(), action: z.enum(ACTIONS).exactOptional(), calls };
const work = z.enum(["done", "none"]);

/**
 * How the bank misbehaves: `lose` does the work and cuts the connection; `hang` never answers and `fail` answers 500, each with
 * the work done or not; `slow` waits before the work, and then does it even if nobody waits for the answer any more.
 */
export const BankFault = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("lose"), ...about }).readonly(),
  z.strictObject({ kind: z.literal("hang"), work, ...about }).readonly(),
  z.strictObject({ kind: z.literal("fail"), work, ...about }).readonly(),
  z.strictObject({ kind: z.literal("slow"), ms: z.int().positive().max(600_000), ...about }).readonly(),
]);
export type BankFault = z.output<typeof BankFault>;
export type BankFaultDefinition = z.input<typeof BankFault>;

/** A fault with the number of calls it has met so far. */
export type ArmedFault = BankFault & { readonly met: number };

export interface FaultBox {
  /** In place of those before. Of several that fit one call, the first meets it. */
  arm(faults: readonly BankFault[]): void;
  list(): readonly ArmedFault[];
  /** The fault that this call meets, if any. Asking counts. */
  meet(book: BookName, action: BankAction, idempotencyKey: string): BankFault | undefined;
}

export function faultBox(): FaultBox {
  let armed: { readonly fault: BankFault; readonly meets: (call: string) => boolean; met: number }[] = [];
  return {
    arm: (faults) => {
      armed = faults.map((fault) => ({ fault, meets: chooserOf(fault.calls), met: 0 }));
    },
    list: () => armed.map(({ fault, met }) => ({ ...fault, met })),
    meet(book, action, key) {
      const isAbout = ({ book: where = book, action: what = action }: BankFault) => where === book && what === action;
      const found = armed.find(({ fault, meets }) => isAbout(fault) && meets(`${book}/${action}/${key}`));
      if (found) found.met += 1;
      return found?.fault;
    },
  };
}

/** Says yes or no to one call after the other. */
function chooserOf(wanted: BankFault["calls"]): (call: string) => boolean {
  if (wanted === "all") return () => true;
  if ("next" in wanted) return counter(wanted.next);
  if ("probability" in wanted) {
    const random = seeded(wanted.seed);
    return () => random() < wanted.probability;
  }
  const counters = new Map<string, () => boolean>();
  return (call) => {
    const more = counters.get(call) ?? counter(wanted.firstOfEachKey);
    counters.set(call, more);
    return more();
  };
}

function counter(times: number): () => boolean {
  let count = 0;
  return () => ++count <= times;
}

/** Mulberry32: uniform in [0, 1), the same sequence for the same seed. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
