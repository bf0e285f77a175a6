import { expect, test } from "vitest";
import { check, createOrchestrator } from "../../../src/index.js";
import { injectFaults } from "../../../src/testing/index.js";
import { CreditApplication, type CreditDecision, creditDecision, creditWorkflow } from "../../../src/workflows/credit-decision/index.js";
import { aBank, decide, emptyBooks } from "./support.js";

const EXPECTED: Readonly<Record<string, Partial<CreditDecision> & { readonly why: readonly string[] }>> = {
  "A-1001": { outcome: "approve", limitCents: 3_200_00, why: [] },
  "A-1002": { outcome: "approve", limitCents: 4_800_00, why: ["prove-income"] },
  "A-1003": { outcome: "approve", limitCents: 11_500_00, why: ["prove-income"] },
  "A-1004": { outcome: "approve", limitCents: 7_500_00, why: [] },
  "A-1005": { outcome: "approve", limitCents: 4_700_00, why: ["limit-reduced"] },
  "A-1006": { outcome: "decline", grade: "E", why: ["risk-too-high", "loan-duration", "credit-history"] },
  "A-1007": { outcome: "decline", grade: "A", why: ["unaffordable"] },
  "A-1008": { outcome: "refer", grade: "D", why: ["risk-too-high"] },
  "A-1009": { outcome: "refer", why: ["income-contradicted"] },
  "A-1010": { outcome: "refer", why: ["fraud-inconclusive"] },
  "A-1011": { outcome: "refer", why: ["fraud-suspected"] },
  "A-1012": { outcome: "approve", why: ["prove-income"] }, // were it not for the fault
};

test.each(creditDecision.samples.map((sample) => [sample.title, sample] as const))("sample: %s", (_title, { input }) => {
  expect(check(CreditApplication, input)).toMatchObject({ ok: true });
  const application = CreditApplication.schema.parse(input);
  const { why, ...expected } = EXPECTED[application.id] ?? { why: ["an expectation for this sample"] };

  const decision = decide(application);

  expect(decision).toMatchObject(expected);
  expect([...decision.reasons, ...decision.conditions].map(({ code }) => code)).toEqual(expect.arrayContaining([...why]));
});

test("there is a sample for every outcome, and one that walks back", () => {
  expect(creditDecision.samples).toHaveLength(Object.keys(EXPECTED).length);
  expect(new Set(Object.values(EXPECTED).map(({ outcome }) => outcome))).toEqual(new Set(["approve", "decline", "refer"]));
  expect(creditDecision.samples.filter(({ inject }) => inject !== undefined)).toMatchObject([{ inject: ["fail:decide-credit"] }]);
});

test.each(creditDecision.samples.map((sample) => [sample.title, sample] as const))(
  "orchestrated: %s",
  async (_title, { input, inject = [] }) => {
    await using bank = aBank();
    const orchestrator = createOrchestrator({ workflows: [injectFaults(creditWorkflow(bank), inject)] });

    const run = await orchestrator.start("credit-decision", input);
    await orchestrator.close();

    if (inject.length > 0) {
      expect(run).toMatchObject({ status: "rolled-back" });
      expect(await bank.snapshot()).toEqual(emptyBooks);
    } else {
      expect(run).toMatchObject({ status: "completed", output: decide(CreditApplication.schema.parse(input)) });
      expect((await bank.snapshot()).offers).toHaveLength(1);
    }
  },
);

test("sums a decision up in short cells", () => {
  const [first] = creditDecision.samples;

  expect(creditDecision.summarize(decide(CreditApplication.schema.parse(first?.input)))).toEqual({
    application: "A-1001",
    outcome: "approve",
    grade: "A",
    risk: expect.stringMatching(/^\d\.\d %$/),
    limit: "3,200.00 DM",
    reasons: "",
  });
});
