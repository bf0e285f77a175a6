import { describe, expect, test } from "vitest";
import type { Bank, Letter, SqliteBank } from "../../../src/workflows/credit-decision/index.js";
import { emptyBooks } from "./support.js";

/** A bank with a view of its books and its log from behind. */
export type WatchedBank = Bank & Pick<SqliteBank, "snapshot" | "calls"> & AsyncDisposable;
/** An empty one, on the morning of 12 October 2026. */
export type OpenBank = (options?: { readonly maxExposureCents?: number }) => Promise<WatchedBank>;

export const anInquiry = { applicationId: "A-1", amountCents: 2_000_00, durationMonths: 12 };
export const anOffer: Letter = {
  applicationId: "A-1",
  kind: "offer",
  limitCents: 2_000_00,
  reasons: [],
  conditions: ["prove-income"],
};

const writes: Readonly<Record<keyof Bank, (bank: Bank, key: string) => Promise<unknown>>> = {
  inquiries: (bank, key) => bank.inquiries.enter(anInquiry, key),
  evidenceHolds: (bank, key) => bank.evidenceHolds.enter({ applicationId: "A-1", documentIds: ["slip-1"], incomeStatus: "verified" }, key),
  fraudCases: (bank, key) => bank.fraudCases.enter({ applicationId: "A-1", verdict: "clear", signals: [] }, key),
  reservations: (bank, key) => bank.reservations.enter({ applicationId: "A-1", amountCents: 2_000_00 }, key),
  letters: (bank, key) => bank.letters.enter(anOffer, key),
};

/** What every form of the bank promises. */
export function bankConformance(name: string, openBank: OpenBank): void {
  describe(`${name} keeps the promises of a bank:`, () => {
    receipts(openBank);
    strikes(openBank);
    finds(openBank);
    refusals(openBank);
    logs(openBank);
  });
}

function receipts(openBank: OpenBank): void {
  test("gives the same receipt to the same key, and makes the entry once", async () => {
    await using bank = await openBank();

    const first = await bank.inquiries.enter(anInquiry, "key-1");
    const again = await bank.inquiries.enter({ durationMonths: 12, amountCents: 2_000_00, applicationId: "A-1" }, "key-1");

    expect(again).toEqual(first);
    expect((await bank.snapshot()).bureau_inquiries).toEqual([
      { idempotencyKey: "key-1", id: first.id, applicationId: "A-1", entry: anInquiry },
    ]);
  });

  test("gives one receipt to the same key sent many times at once", async () => {
    await using bank = await openBank();

    const all = await Promise.all(Array.from({ length: 20 }, () => bank.inquiries.enter(anInquiry, "key-1")));

    expect(new Set(all.map(({ id }) => id)).size).toBe(1);
    expect((await bank.snapshot()).bureau_inquiries).toHaveLength(1);
  });

  test("derives the receipt from the key, so that another bank gives the same one", async () => {
    await using one = await openBank();
    await using other = await openBank();

    expect(await one.inquiries.enter(anInquiry, "key-1")).toEqual(await other.inquiries.enter(anInquiry, "key-1"));
    expect(await one.inquiries.enter(anInquiry, "key-2")).not.toEqual(await one.inquiries.enter(anInquiry, "key-1"));
  });

  test.each(["0199/assess-risk/reserve-exposure/A%201%2F%C3%A9/0", "a?b#c&d=e", "%", "../../calls", "work[3]"])(
    "takes %s for one key, as it is",
    async (key) => {
      await using bank = await openBank();

      const receipt = await bank.letters.enter(anOffer, key);

      expect(await bank.letters.find(key)).toEqual(receipt);
      expect((await bank.snapshot()).offers).toMatchObject([{ idempotencyKey: key }]);
      await bank.letters.strike(key);
      expect(await bank.snapshot()).toEqual(emptyBooks);
    },
  );

  test("keeps every word of an entry", async () => {
    await using bank = await openBank();
    const letter = { ...anOffer, reasons: ["Zweifel an 1.000 € — „Gehalt“ 💶", "\u2028\0\\"] };

    await bank.letters.enter(letter, "key-1");

    expect((await bank.snapshot()).offers).toMatchObject([{ entry: letter }]);
  });
}

function strikes(openBank: OpenBank): void {
  test.each(Object.keys(writes) as (keyof Bank)[])("is as before once an entry in %s is struck", async (book) => {
    await using bank = await openBank();
    await writes[book](bank, "kept");
    const before = await bank.snapshot();

    await writes[book](bank, "struck");
    expect(await bank.snapshot()).not.toEqual(before);
    await bank[book].strike("struck");

    expect(await bank.snapshot()).toEqual(before);
  });

  test("refuses an entry that arrives after its key was struck", async () => {
    await using bank = await openBank();
    await bank.letters.enter(anOffer, "key-1");
    await bank.letters.strike("key-1");
    await bank.letters.strike("key-1");
    await bank.letters.strike("never-arrived");

    await expect(bank.letters.enter(anOffer, "key-1")).rejects.toMatchObject({ name: "BankRefusal", code: "KEY_STRUCK" });
    await expect(bank.letters.enter(anOffer, "never-arrived")).rejects.toMatchObject({ name: "BankRefusal", code: "KEY_STRUCK" });

    expect(await bank.snapshot()).toEqual(emptyBooks);
  });

  test("keeps the keys of different books apart", async () => {
    await using bank = await openBank();
    await bank.inquiries.strike("key-1");

    await bank.letters.enter(anOffer, "key-1");

    expect((await bank.snapshot()).offers).toHaveLength(1);
    expect(await bank.inquiries.find("key-1")).toBeUndefined();
  });
}

function finds(openBank: OpenBank): void {
  test("finds the receipt of what stands, and nothing of what never arrived or was struck", async () => {
    await using bank = await openBank();
    const receipt = await bank.letters.enter(anOffer, "stands");
    await bank.letters.enter(anOffer, "struck");
    await bank.letters.strike("struck");

    expect(await bank.letters.find("stands")).toEqual(receipt);
    expect(await bank.letters.find("struck")).toBeUndefined();
    expect(await bank.letters.find("never-arrived")).toBeUndefined();
  });

  test("does nothing for a caller who has given up already", async () => {
    await using bank = await openBank();
    const signal = AbortSignal.abort(new Error("given up"));

    await expect(bank.letters.enter(anOffer, "key-1", { signal })).rejects.toThrow("given up");
    await expect(bank.letters.strike("key-1", { signal })).rejects.toThrow("given up");
    await expect(bank.letters.find("key-1", { signal })).rejects.toThrow("given up");

    expect(await bank.calls()).toEqual([]);
  });
}

function refusals(openBank: OpenBank): void {
  test("refuses a key that stands for another entry", async () => {
    await using bank = await openBank();
    await bank.inquiries.enter(anInquiry, "key-1");

    const other = bank.inquiries.enter({ ...anInquiry, amountCents: 1 }, "key-1");

    await expect(other).rejects.toMatchObject({ name: "BankRefusal", code: "KEY_REUSED" });
    expect((await bank.snapshot()).bureau_inquiries).toMatchObject([{ entry: anInquiry }]);
  });

  test("reserves no more than the limit, and again after a release", async () => {
    await using bank = await openBank({ maxExposureCents: 100 });
    await bank.reservations.enter({ applicationId: "A-1", amountCents: 70 }, "key-1");

    const tooMuch = bank.reservations.enter({ applicationId: "A-2", amountCents: 40 }, "key-2");

    await expect(tooMuch).rejects.toMatchObject({ name: "BankRefusal", code: "EXPOSURE_EXHAUSTED" });
    await bank.reservations.strike("key-1");
    await bank.reservations.enter({ applicationId: "A-2", amountCents: 40 }, "key-2");
    expect((await bank.snapshot()).exposure_reservations).toMatchObject([{ applicationId: "A-2" }]);
  });

  test("refuses what is no entry of the book, and says where it is wrong", async () => {
    await using bank = await openBank();

    const wrong = bank.reservations.enter({ applicationId: "A-1", amountCents: 0.5 }, "key-1");

    await expect(wrong).rejects.toMatchObject({
      name: "BankRefusal",
      code: "ENTRY_INVALID",
      message: expect.stringContaining("amountCents"),
    });
    expect(await bank.snapshot()).toEqual(emptyBooks);
  });
}

function logs(openBank: OpenBank): void {
  test("logs every call, whatever came of it", async () => {
    await using bank = await openBank();
    await bank.inquiries.find("key-1");
    await bank.inquiries.enter(anInquiry, "key-1");
    await bank.inquiries.enter(anInquiry, "key-1");
    await bank.inquiries.enter({ ...anInquiry, amountCents: 1 }, "key-1").catch(() => {});
    await bank.inquiries.find("key-1");
    await bank.inquiries.strike("key-1");
    await bank.inquiries.strike("key-1");
    await bank.inquiries.find("key-1");
    await bank.inquiries.enter(anInquiry, "key-1").catch(() => {});
    await bank.inquiries.enter({ ...anInquiry, durationMonths: -1 }, "key-2").catch(() => {});

    const calls = await bank.calls();

    expect(calls.map(({ seq, action, outcome, applicationId }) => [seq, action, outcome, applicationId])).toEqual([
      [1, "find", "unknown", null],
      [2, "enter", "done", "A-1"],
      [3, "enter", "repeated", "A-1"],
      [4, "enter", "refused: KEY_REUSED", "A-1"],
      [5, "find", "entered", "A-1"],
      [6, "strike", "done", "A-1"],
      [7, "strike", "repeated", null],
      [8, "find", "struck", null],
      [9, "enter", "refused: KEY_STRUCK", "A-1"],
      [10, "enter", "refused: ENTRY_INVALID", null],
    ]);
    expect(calls[1]).toEqual({
      seq: 2,
      at: "2026-10-12T09:00:00.000Z",
      book: "bureau_inquiries",
      action: "enter",
      idempotencyKey: "key-1",
      applicationId: "A-1",
      outcome: "done",
    });
  });
}
