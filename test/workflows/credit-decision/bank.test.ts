import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { expect, onTestFinished, test } from "vitest";
import { type Bank, type Letter, sqliteBank } from "../../../src/workflows/credit-decision/index.js";
import { aBank, emptyBooks } from "./support.js";

const inquiry = { applicationId: "A-1", amountCents: 2_000_00, durationMonths: 12 };

test("gives the same receipt to the same key, and makes the entry once", async () => {
  await using bank = aBank();

  const first = await bank.inquiries.enter(inquiry, "key-1");
  const again = await bank.inquiries.enter({ durationMonths: 12, amountCents: 2_000_00, applicationId: "A-1" }, "key-1");

  expect(again).toEqual(first);
  expect((await bank.snapshot()).bureau_inquiries).toEqual([
    { idempotencyKey: "key-1", id: first.id, applicationId: "A-1", entry: inquiry },
  ]);
});

test("derives the receipt from the key, so that another bank gives the same one", async () => {
  await using one = aBank();
  await using other = aBank();

  expect(await one.inquiries.enter(inquiry, "key-1")).toEqual(await other.inquiries.enter(inquiry, "key-1"));
  expect(await one.inquiries.enter(inquiry, "key-2")).not.toEqual(await one.inquiries.enter(inquiry, "key-1"));
});

test("refuses a key that stands for another entry", async () => {
  await using bank = aBank();
  await bank.inquiries.enter(inquiry, "key-1");

  await expect(bank.inquiries.enter({ ...inquiry, amountCents: 1 }, "key-1")).rejects.toMatchObject({
    name: "BankRefusal",
    code: "KEY_REUSED",
  });

  expect((await bank.snapshot()).bureau_inquiries).toMatchObject([{ entry: inquiry }]);
});

const writes: Readonly<Record<string, (bank: Bank, key: string) => Promise<unknown>>> = {
  inquiries: (bank, key) => bank.inquiries.enter(inquiry, key),
  evidenceHolds: (bank, key) => bank.evidenceHolds.enter({ applicationId: "A-1", documentIds: ["slip-1"], incomeStatus: "verified" }, key),
  fraudCases: (bank, key) => bank.fraudCases.enter({ applicationId: "A-1", verdict: "clear", signals: [] }, key),
  reservations: (bank, key) => bank.reservations.enter({ applicationId: "A-1", amountCents: 2_000_00 }, key),
  letters: (bank, key) => bank.letters.enter(anOffer, key),
};
const anOffer: Letter = { applicationId: "A-1", kind: "offer", limitCents: 2_000_00, reasons: [], conditions: ["prove-income"] };

test.each(Object.keys(writes) as (keyof Bank)[])("is as before once an entry in %s is struck", async (book) => {
  await using bank = aBank();
  await writes[book]?.(bank, "kept");
  const before = await bank.snapshot();

  await writes[book]?.(bank, "struck");
  expect(await bank.snapshot()).not.toEqual(before);
  await bank[book].strike("struck");

  expect(await bank.snapshot()).toEqual(before);
});

test("refuses an entry that arrives after its key was struck", async () => {
  await using bank = aBank();
  await bank.letters.enter(anOffer, "key-1");
  await bank.letters.strike("key-1");
  await bank.letters.strike("key-1");
  await bank.letters.strike("never-arrived");

  await expect(bank.letters.enter(anOffer, "key-1")).rejects.toMatchObject({ code: "KEY_STRUCK" });
  await expect(bank.letters.enter(anOffer, "never-arrived")).rejects.toMatchObject({ code: "KEY_STRUCK" });

  expect(await bank.snapshot()).toEqual(emptyBooks);
});

test("keeps the keys of different books apart", async () => {
  await using bank = aBank();
  await bank.inquiries.strike("key-1");

  await bank.letters.enter(anOffer, "key-1");

  expect((await bank.snapshot()).offers).toHaveLength(1);
});

test("reserves no more than the limit, and again after a release", async () => {
  await using bank = aBank({ maxExposureCents: 100 });
  await bank.reservations.enter({ applicationId: "A-1", amountCents: 70 }, "key-1");

  await expect(bank.reservations.enter({ applicationId: "A-2", amountCents: 40 }, "key-2")).rejects.toMatchObject({
    code: "EXPOSURE_EXHAUSTED",
  });
  await bank.reservations.strike("key-1");
  await bank.reservations.enter({ applicationId: "A-2", amountCents: 40 }, "key-2");

  expect((await bank.snapshot()).exposure_reservations).toMatchObject([{ applicationId: "A-2" }]);
});

test("logs every call, the refused ones too, and lets nobody change the log", async () => {
  const file = await aFile();
  const bank = sqliteBank({ file, now: () => new Date("2026-10-12T09:00:00.000Z") });
  await bank.inquiries.enter(inquiry, "key-1");
  await bank.inquiries.enter(inquiry, "key-1");
  await bank.inquiries.enter({ ...inquiry, amountCents: 1 }, "key-1").catch(() => {});
  await bank.inquiries.strike("key-1");
  await bank.inquiries.strike("key-1");
  await bank.inquiries.enter(inquiry, "key-1").catch(() => {});

  const calls = await bank.calls();
  await bank.close();

  expect(calls.map(({ seq, action, outcome }) => [seq, action, outcome])).toEqual([
    [1, "enter", "done"],
    [2, "enter", "repeated"],
    [3, "enter", "refused: KEY_REUSED"],
    [4, "strike", "done"],
    [5, "strike", "repeated"],
    [6, "enter", "refused: KEY_STRUCK"],
  ]);
  expect(calls[0]).toEqual({
    seq: 1,
    at: "2026-10-12T09:00:00.000Z",
    book: "bureau_inquiries",
    action: "enter",
    idempotencyKey: "key-1",
    applicationId: "A-1",
    outcome: "done",
  });
  const database = new Database(file);
  expect(() => database.exec("DELETE FROM calls")).toThrow("append-only");
  expect(() => database.exec("UPDATE calls SET outcome = 'done'")).toThrow("append-only");
  database.close();
});

test("finds its books again when it is opened a second time", async () => {
  const file = await aFile();
  const before = sqliteBank({ file });
  await before.inquiries.enter(inquiry, "key-1");
  await before.letters.strike("key-2");
  await before.close();

  const after = sqliteBank({ file });
  onTestFinished(() => after.close());

  expect((await after.snapshot()).bureau_inquiries).toHaveLength(1);
  await expect(after.letters.enter(anOffer, "key-2")).rejects.toMatchObject({ code: "KEY_STRUCK" });
});

async function aFile(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "bank-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return join(folder, "bank.db");
}
