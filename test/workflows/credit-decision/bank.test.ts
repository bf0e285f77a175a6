import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { expect, onTestFinished, test } from "vitest";
import { sqliteBank } from "../../../src/workflows/credit-decision/index.js";
import { anInquiry, anOffer, bankConformance } from "./bank-conformance.js";
import { aBank } from "./support.js";

bankConformance("sqliteBank", async (options) => aBank(options));

test("lets nobody change its log", async () => {
  const file = aFile();
  const bank = sqliteBank({ file });
  await bank.inquiries.enter(anInquiry, "key-1");
  await bank.close();

  const database = new Database(file);
  onTestFinished(() => void database.close());

  expect(() => database.exec("DELETE FROM calls")).toThrow("append-only");
  expect(() => database.exec("UPDATE calls SET outcome = 'done'")).toThrow("append-only");
});

test("finds its books again when it is opened a second time", async () => {
  const file = aFile();
  const before = sqliteBank({ file });
  await before.inquiries.enter(anInquiry, "key-1");
  await before.letters.strike("key-2");
  await before.close();

  const after = sqliteBank({ file });
  onTestFinished(() => after.close());

  expect((await after.snapshot()).bureau_inquiries).toHaveLength(1);
  await expect(after.letters.enter(anOffer, "key-2")).rejects.toMatchObject({ code: "KEY_STRUCK" });
});

test("tells what was struck from what never arrived", async () => {
  await using bank = aBank();
  const receipt = await bank.letters.enter(anOffer, "stands");
  await bank.letters.strike("struck");

  expect(await bank.lookUp("offers", "stands")).toEqual({ status: "entered", receipt });
  expect(await bank.lookUp("offers", "struck")).toEqual({ status: "struck" });
  expect(await bank.lookUp("offers", "never-arrived")).toEqual({ status: "unknown" });
});

function aFile(): string {
  const folder = mkdtempSync(join(tmpdir(), "bank-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return join(folder, "bank.db");
}
