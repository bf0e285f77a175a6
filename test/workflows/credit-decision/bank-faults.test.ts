import { expect, test } from "vitest";
import { BankFault, type BankFaultDefinition, faultBox } from "../../../src/workflows/credit-decision/bank-faults.js";

function armed(...faults: readonly BankFaultDefinition[]) {
  const box = faultBox();
  box.arm(faults.map((fault) => BankFault.parse(fault)));
  return box;
}

test("meets every call when it is about nothing in particular", () => {
  const box = armed({ kind: "lose" });

  expect(box.meet("offers", "enter", "key-1")).toMatchObject({ kind: "lose" });
  expect(box.meet("fraud_cases", "strike", "key-2")).toMatchObject({ kind: "lose" });
  expect(box.list()).toEqual([{ kind: "lose", calls: "all", met: 2 }]);
});

test("leaves calls alone that it is not about, and does not count them", () => {
  const box = armed({ kind: "lose", book: "offers", action: "enter", calls: { next: 1 } });

  expect(box.meet("offers", "strike", "key-1")).toBeUndefined();
  expect(box.meet("fraud_cases", "enter", "key-1")).toBeUndefined();
  expect(box.meet("offers", "enter", "key-1")).toMatchObject({ kind: "lose" });
  expect(box.meet("offers", "enter", "key-2")).toBeUndefined();
});

test("meets the first calls of each key, book by book and action by action", () => {
  const box = armed({ kind: "fail", work: "done", calls: { firstOfEachKey: 2 } });
  const meets = (book: "offers" | "fraud_cases", action: "enter" | "strike", key: string) => box.meet(book, action, key) !== undefined;

  expect([1, 2, 3].map(() => meets("offers", "enter", "key-1"))).toEqual([true, true, false]);
  expect(meets("offers", "strike", "key-1")).toBe(true);
  expect(meets("fraud_cases", "enter", "key-1")).toBe(true);
  expect(meets("offers", "enter", "key-2")).toBe(true);
});

test("meets about as many as its probability says, the same ones for the same seed", () => {
  const pattern = (seed: number) => {
    const box = armed({ kind: "lose", calls: { probability: 0.3, seed } });
    return Array.from({ length: 1_000 }, (_, n) => box.meet("offers", "enter", `key-${n}`) !== undefined);
  };

  const met = pattern(7).filter(Boolean).length;

  expect(met).toBeGreaterThan(250);
  expect(met).toBeLessThan(350);
  expect(pattern(7)).toEqual(pattern(7));
  expect(pattern(8)).not.toEqual(pattern(7));
});

test("gives a call to the first fault that fits, and to the next one when that is used up", () => {
  const box = armed({ kind: "lose", calls: { next: 1 } }, { kind: "slow", ms: 5 });

  expect(box.meet("offers", "enter", "key-1")).toMatchObject({ kind: "lose" });
  expect(box.meet("offers", "enter", "key-1")).toMatchObject({ kind: "slow" });
});

test("forgets the faults before when it is armed again", () => {
  const box = armed({ kind: "lose" });
  box.arm([]);

  expect(box.meet("offers", "enter", "key-1")).toBeUndefined();
  expect(box.list()).toEqual([]);
});

test.each([
  { kind: "explode" },
  { kind: "hang" },
  { kind: "slow", ms: -1 },
  { kind: "lose", book: "no such book" },
  { kind: "lose", calls: { next: 0 } },
  { kind: "lose", calls: { probability: 2 } },
  { kind: "lose", calls: { next: 1, probability: 0.5 } },
])("is not armed with %j", (fault) => {
  expect(BankFault.safeParse(fault).success).toBe(false);
});
