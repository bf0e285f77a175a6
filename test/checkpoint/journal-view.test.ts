import { expect, test } from "vitest";
import type { JournalEntry, JournalPhase } from "walkback";
import { foldJournal, remainingOf, standing, undoneOf } from "../../src/checkpoint/journal-view.js";
import { anEntry, aRunId } from "../support/records.js";

const run = { runId: aRunId(), epoch: 1 };
const FAILURE = { code: "UNDO_FAILED", message: "the bank is down", details: {}, causes: [] };

/** `"hold intended"`: one entry for each word pair, in this order. */
function journal(...lines: readonly `${string} ${JournalPhase}`[]): JournalEntry[] {
  return lines.map((line) => {
    const [effect = "", phase] = line.split(" ") as [string, JournalPhase];
    const bodies: Partial<Record<JournalPhase, JournalEntry["body"]>> = {
      intended: { args: { effect }, round: 0 },
      performed: { receipt: effect },
      "undo-failed": FAILURE,
      settled: { decision: "skip", reason: "written off" },
    };
    return anEntry(run, { key: effect, effect, phase, body: bodies[phase] ?? null });
  });
}

test("what stands outside is walked back newest first, the newest being what was done last", () => {
  const records = foldJournal(journal("a intended", "b intended", "c intended", "b performed", "a performed"));

  expect(standing(records.values()).map(({ effect, status }) => `${effect} ${status}`)).toEqual(["a performed", "b performed", "c tried"]);
});

test("an effect whose answer was an error may stand all the same", () => {
  const records = foldJournal(journal("a intended", "b intended", "b performed", "a failed"));

  expect(standing(records.values()).map(({ effect, status }) => `${effect} ${status}`)).toEqual(["a tried", "b performed"]);
});

test("an effect that was refused does not stand, unless it is sent again and done", () => {
  const entries = journal("a intended", "a failed", "b intended", "b failed", "b performed");
  const refused = entries.map((entry) => (entry.phase === "failed" ? { ...entry, body: { refused: true } } : entry));

  expect([...foldJournal(refused).values()].map(({ effect, status }) => `${effect} ${status}`)).toEqual(["a refused", "b performed"]);
  expect(standing(foldJournal(refused).values()).map(({ effect }) => effect)).toEqual(["b"]);
});

test("what was undone or settled stands no more", () => {
  const records = foldJournal(journal("a intended", "a performed", "a undo-intended", "a undone", "b intended", "b settled"));

  expect(standing(records.values())).toEqual([]);
});

test("a record keeps the arguments of the intent and the receipt of the performance", () => {
  const record = foldJournal(journal("a intended", "a performed")).get("a");

  expect(record).toMatchObject({ args: { effect: "a" }, receipt: { receipt: "a" }, status: "performed" });
});

test("what a human must settle is what could not be undone, until it is tried again", () => {
  const failed = journal("a intended", "a performed", "b intended", "b performed", "a undo-intended", "a undo-failed");

  expect(remainingOf(foldJournal(failed).values())).toMatchObject([{ effect: "a", failure: FAILURE }]);
  expect(remainingOf(foldJournal([...failed, ...journal("a undo-intended")]).values())).toEqual([]);
});

test("tells what was undone in the order in which it was, and by whom", () => {
  const undone = undoneOf(journal("a intended", "b intended", "b undone", "a settled"));

  expect(undone).toMatchObject([
    { effect: "b", outcome: "undone" },
    { effect: "a", outcome: "skipped", reason: "written off" },
  ]);
});

test("an entry without an intent before it says nothing", () => {
  expect([...foldJournal(journal("a performed", "b undone"))]).toEqual([]);
});

test("folding is repeatable: the same entries give the same picture", () => {
  const entries = journal("a intended", "a failed", "a performed", "b intended", "a undo-intended", "a undo-failed");

  expect(foldJournal(entries)).toEqual(foldJournal(entries));
  expect(foldJournal([...entries, ...entries.filter(({ phase }) => phase === "intended")])).toEqual(foldJournal(entries));
});
