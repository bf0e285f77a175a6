import fc from "fast-check";
import { expect, test } from "vitest";
import type { CreditApplication } from "../../../src/workflows/credit-decision/index.js";
import { aBank, anApplication, aPayslip, decide, decideAtBank } from "./support.js";

/** `job` names non-residents in its lowest level, `peopleLiable` stands for family. */
const UNREAD: ReadonlySet<PropertyKey> = new Set(["protected", "job", "peopleLiable"]);

test("sex, age, nationality and foreign-worker status change nothing", () => {
  const attributes = fc.record(
    {
      personalStatusSex: fc.constantFrom(
        "male: divorced/separated",
        "female: non-single or male: single",
        "male: married/widowed",
        "female: single",
      ),
      age: fc.integer({ min: 18, max: 99 }),
      nationality: fc.constantFrom("DE", "TR", "IT", "PL"),
      foreignWorker: fc.constantFrom("yes" as const, "no" as const),
    },
    { requiredKeys: [] },
  );
  const status = fc.constantFrom("no checking account" as const, "< 0 DM" as const, ">= 200 DM / salary for at least 1 year" as const);
  fc.assert(
    fc.property(attributes, attributes, status, (one, other, account) => {
      const application = anApplication({ status: account });
      expect(decide({ ...application, protected: one })).toEqual(decide({ ...application, protected: other }));
      expect(decide({ ...application, protected: one })).toEqual(decide(application));
    }),
  );
});

test("no agent so much as looks at them", async () => {
  await using bank = aBank();
  const read = new Set<PropertyKey>();
  const application = anApplication({
    protected: { age: 30, nationality: "DE" },
    statedMonthlyNetIncomeCents: 2_500_00,
    employer: "Brandt Werkzeugbau GmbH",
    evidence: [aPayslip({ documentId: "a", issuedOn: "2026-08-31" }), aPayslip({ documentId: "b" })],
    channel: { identityCheck: "passed" },
  });

  const decision = await decideAtBank(watched(application, read), bank);

  expect(decision).toMatchObject({ outcome: "approve", conditions: [] });
  expect(read).toContain("amountCents"); // the trap does see what is read
  expect([...read].filter((property) => UNREAD.has(property))).toEqual([]);
});

/** The application, with every property that is read, listed or asked for written down; all but the harmless throw. */
function watched(application: CreditApplication, read: Set<PropertyKey>): CreditApplication {
  const see = (property: PropertyKey) => {
    read.add(property);
    if (UNREAD.has(property)) throw new Error(`an agent looked at ${String(property)}`);
  };
  return new Proxy(
    { ...application },
    {
      get: (target, property) => {
        see(property);
        return Reflect.get(target, property);
      },
      has: (target, property) => {
        see(property);
        return Reflect.has(target, property);
      },
      ownKeys: () => {
        throw new Error("an agent listed all properties");
      },
    },
  );
}
