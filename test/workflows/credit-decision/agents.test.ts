import { expect, test } from "vitest";
import { check, createOrchestrator } from "../../../src/index.js";
import { fraudOf } from "../../../src/workflows/credit-decision/agents/detect-fraud.js";
import { incomeOf } from "../../../src/workflows/credit-decision/agents/verify-income.js";
import {
  assessRisk,
  CreditFraud,
  CreditIncome,
  calculateScore,
  creditWorkflow,
  decideCredit,
  detectFraud,
  verifyIncome,
} from "../../../src/workflows/credit-decision/index.js";
import { sameName } from "../../../src/workflows/credit-decision/papers.js";
import { aBank, anApplication, aPayslip, aTaxAssessment, decide, decideAtBank, directContext, emptyBooks, execute } from "./support.js";

test("leaves one entry of each kind at the bank, all about the application", async () => {
  await using bank = aBank();

  const decision = await decideAtBank(anApplication({ id: "A-7", evidence: [aTaxAssessment(2_500_00)] }), bank);

  expect(decision).toMatchObject({ applicationId: "A-7", outcome: "approve", limitCents: 2_000_00, conditions: [] });
  expect(await bank.snapshot()).toMatchObject({
    bureau_inquiries: [{ entry: { applicationId: "A-7", amountCents: 2_000_00, durationMonths: 12 } }],
    evidence_holds: [{ entry: { applicationId: "A-7", documentIds: ["tax-2025"], incomeStatus: "verified" } }],
    fraud_cases: [{ entry: { applicationId: "A-7", verdict: "clear", signals: [] } }],
    exposure_reservations: [{ entry: { applicationId: "A-7", amountCents: 2_000_00 } }],
    offers: [{ entry: { applicationId: "A-7", kind: "offer", limitCents: 2_000_00, reasons: [], conditions: [] } }],
  });
});

test("undoes each effect, with or without a receipt, as often as it is asked to", async () => {
  await using bank = aBank();
  const application = anApplication();
  const agents = [calculateScore(bank), verifyIncome(bank), detectFraud(bank), assessRisk(bank), decideCredit(bank)];
  await decideAtBank(application, bank);

  for (const { name, effects } of agents) {
    for (const effect of effects) {
      const args = { applicationId: application.id } as never; // the undo looks at the key alone
      const context = {
        idempotencyKey: "undo",
        performedUnder: `run-1/${name}/${effect.name}/${effect.identity(args)}/0`,
        signal: AbortSignal.timeout(1_000),
      };
      await effect.undo?.({ args, receipt: undefined }, context);
      await effect.undo?.({ args, receipt: undefined }, context);
    }
  }

  expect(await bank.snapshot()).toEqual(emptyBooks);
});

test("does not ask a second time for what the bank refuses", async () => {
  await using bank = aBank({ maxExposureCents: 100 });

  await expect(decideAtBank(anApplication(), bank)).rejects.toMatchObject({
    code: "EFFECT_REFUSED",
    retryable: false,
    details: { agent: "assess-risk" },
  });
});

test("strikes what stands under a key of its own from a past that its store has forgotten, when it walks back", async () => {
  await using bank = aBank();
  const { reservations } = bank;
  const enter: typeof reservations.enter = async (entry, key, options) => {
    await reservations.enter({ ...entry, amountCents: 1 }, key, options);
    return reservations.enter(entry, key, options);
  };
  const workflow = creditWorkflow({ ...bank, reservations: { ...reservations, enter } });
  await using orchestrator = createOrchestrator({ workflows: [workflow] });

  const run = await orchestrator.start("credit-decision", anApplication());

  expect(run).toMatchObject({ status: "rolled-back", failure: { code: "AGENT_FAILED" } });
  expect(await bank.snapshot()).toEqual(emptyBooks);
});

test("does not mix up two applications", async () => {
  await using bank = aBank();
  const [mine, other] = [anApplication({ id: "A-1" }), anApplication({ id: "A-2" })];
  const score = await execute(calculateScore(bank), { application: other });
  const income = await execute(verifyIncome(bank), { application: mine });
  const agent = assessRisk(bank);

  const answer = await agent.execute({ application: mine, score, income }, directContext(agent));

  expect(answer).toMatchObject({ status: "failed", reasonCode: "mixed-up" });
  expect((await bank.snapshot()).exposure_reservations).toEqual([]);
});

const stated = (marks: number) => ({ statedMonthlyNetIncomeCents: marks * 100 });
const slips = (...figures: number[]) => ({
  evidence: figures.map((marks, index) =>
    aPayslip({ documentId: `slip-${index}`, issuedOn: `2026-09-${30 - index}`, monthlyNetIncomeCents: marks * 100 }),
  ),
});
const twoJobs = {
  evidence: [
    aPayslip({ documentId: "brandt", monthlyNetIncomeCents: 1_900_00 }),
    aPayslip({ documentId: "weber", issuer: "Weber KG", monthlyNetIncomeCents: 900_00 }),
  ],
};

test.each([
  ["nothing stated, nothing shown", {}, "unverifiable", null, null],
  ["stated only", stated(2500), "unverifiable", null, 2500_00],
  ["one payslip alone", { ...stated(2500), ...slips(2500) }, "unverifiable", null, 2500_00],
  ["two payslips", { ...stated(2500), ...slips(2500, 2500) }, "verified", 2500_00, 2500_00],
  ["two payslips of one employer, the newest counts", slips(2700, 2500), "verified", 2700_00, 2700_00],
  ["two jobs, one of them stated", { ...stated(1900), ...twoJobs }, "verified", 1900_00, 1900_00],
  ["two jobs, both stated", { ...stated(2800), ...twoJobs }, "verified", 2800_00, 2800_00],
  ["more stated than two jobs show", { ...stated(3200), ...twoJobs }, "contradicted", null, 2800_00],
  [
    "proven by an authority, not by one statement that shows more",
    {
      evidence: [aTaxAssessment(2000_00), aPayslip({ kind: "bank-statement", issuer: "Sparkasse Kassel", monthlyNetIncomeCents: 5000_00 })],
    },
    "verified",
    2000_00,
    2000_00,
  ],
  [
    "one payslip and one bank statement, the lower is proven",
    {
      evidence: [
        aPayslip(),
        aPayslip({ documentId: "x", kind: "bank-statement", issuer: "Sparkasse Kassel", monthlyNetIncomeCents: 2400_00 }),
      ],
    },
    "verified",
    2400_00,
    2400_00,
  ],
  [
    "one payslip under two names",
    { ...stated(2500), evidence: [aPayslip(), aPayslip({ documentId: "x" })] },
    "unverifiable",
    null,
    2500_00,
  ],
  ["one outdated payslip that shows less than stated", { ...stated(2500), ...outdated(900) }, "unverifiable", null, 900_00],
  ["one outdated payslip that shows more than stated", { ...stated(2500), ...outdated(9000) }, "unverifiable", null, 2500_00],
  [
    "more proven since than an outdated payslip shows",
    { evidence: [aTaxAssessment(2500_00), ...outdated(900).evidence] },
    "verified",
    2500_00,
    2500_00,
  ],
  ["stated less than proven: the applicant is believed", { ...stated(2000), ...slips(2500, 2500) }, "verified", 2000_00, 2000_00],
  ["within the tolerance of a tenth", { ...stated(2750), ...slips(2500, 2500) }, "verified", 2500_00, 2500_00],
  ["beyond the tolerance", { ...stated(2751), ...slips(2500, 2500) }, "contradicted", null, 2500_00],
  ["contradicted by one payslip", { ...stated(4000), ...slips(2500) }, "contradicted", null, 2500_00],
  ["a tax assessment", { evidence: [aTaxAssessment(2500_00)] }, "verified", 2500_00, 2500_00],
  [
    "payslips that are too old",
    { evidence: [aPayslip({ issuedOn: "2026-07-11" }), aPayslip({ issuedOn: "2026-06-30", documentId: "x" })] },
    "unverifiable",
    null,
    2500_00,
  ],
  [
    "a payslip on its last day",
    { evidence: [aPayslip({ issuedOn: "2026-07-12" }), aPayslip({ documentId: "x" })] },
    "verified",
    2500_00,
    2500_00,
  ],
  [
    "a payslip from the future",
    { evidence: [aPayslip({ issuedOn: "2026-10-13" }), aPayslip({ documentId: "x" })] },
    "unverifiable",
    null,
    2500_00,
  ],
  [
    "the same file twice",
    { evidence: [aPayslip({ contentHash: "h" }), aPayslip({ documentId: "x", contentHash: "h" })] },
    "unverifiable",
    null,
    2500_00,
  ],
] as const)("judges the income: %s", (_case, differences, status, monthlyNetIncomeCents, atMostCents) => {
  const income = incomeOf(anApplication(differences));

  expect(income).toMatchObject({ status, monthlyNetIncomeCents, atMostCents });
  expect(check(CreditIncome, income)).toMatchObject({ ok: true });
});

test.each([
  ["nothing odd", {}, [], "clear", 0.95],
  ["many applications", { channel: { applicationsLast24Hours: 3 } }, ["many-applications"], "clear", 0.57],
  ["another account holder", { channel: { accountHolderMatches: false } }, ["other-account-holder"], "clear", 0.522],
  ["a foreign issuer", { employer: "Weber KG", evidence: [aPayslip()] }, ["issuer-mismatch"], "suspected", 0.573],
  ["a failed identity check", { channel: { identityCheck: "failed" } }, ["failed-identity-check"], "suspected", 0.905],
  [
    "a payslip while unemployed",
    { employmentDuration: "unemployed", evidence: [aPayslip()] },
    ["payslip-while-unemployed"],
    "suspected",
    0.81,
  ],
  [
    "an old payslip while unemployed",
    { employmentDuration: "unemployed", evidence: [aPayslip({ issuedOn: "2026-07-31" })] },
    [],
    "clear",
    0.95,
  ],
  ["a document from the future", { evidence: [aPayslip({ issuedOn: "2026-11-30" })] }, ["evidence-from-the-future"], "suspected", 0.857],
  ["one name for two documents", slipsNamed("a", "a"), ["reused-document"], "suspected", 0.905],
  [
    "two weak signals",
    { ...stated(6000), channel: { applicationsLast24Hours: 9 }, ...slips(2500) },
    ["income-far-above-evidence", "many-applications"],
    "suspected",
    0.715,
  ],
  ["the employer by another legal form", { employer: "BRANDT-Werkzeugbau", evidence: [aPayslip()] }, [], "clear", 0.95],
  ["a second job", { ...stated(1900), employer: "Brandt Werkzeugbau", ...twoJobs }, [], "clear", 0.95],
] as const)("weighs the signals of fraud: %s", (_case, differences, names, verdict, confidence) => {
  const fraud = fraudOf(anApplication(differences));

  expect(fraud).toMatchObject({ verdict, confidence });
  expect(fraud.signals.map(({ name }) => name)).toEqual(names);
  expect(check(CreditFraud, fraud).ok).toBe(confidence >= 0.7);
});

test("stands in for a verdict that the gate refused, but not for an agent that broke", async () => {
  await using bank = aBank();
  const agent = detectFraud(bank);
  const application = anApplication({ channel: { applicationsLast24Hours: 3 } });
  const failure = { message: "detect-fraud said no", details: {}, causes: [] };

  const fallback = agent.fallback?.({ application }, { ...failure, code: "CONTRACT_VIOLATED" });

  expect(fallback).toMatchObject({ verdict: "inconclusive", signals: [{ name: "many-applications" }] });
  expect(check(CreditFraud, fallback)).toMatchObject({ ok: true });
  expect(agent.fallback?.({ application }, { ...failure, code: "AGENT_TIMEOUT" })).toBeUndefined();
});

test("lends what the income carries, and nothing when that is less than half", () => {
  const wish = { amountCents: 6_000_00, durationMonths: 12 };
  const outcome = (marks: number) => decide(anApplication({ ...wish, evidence: [aTaxAssessment(marks * 100)] }));

  expect(outcome(1_600)).toMatchObject({ outcome: "approve", limitCents: 6_000_00, reasons: [] });
  expect(outcome(1_000)).toMatchObject({ outcome: "approve", limitCents: 4_002_00, reasons: [{ code: "limit-reduced" }] });
  expect(outcome(700)).toMatchObject({ outcome: "decline", limitCents: 0, reasons: [{ code: "unaffordable" }] });
});

test("tells a declined applicant first that, then why", () => {
  const decision = decide(anApplication({ status: "no checking account", durationMonths: 48, amountCents: 9_000_00, purpose: "others" }));

  expect(decision).toMatchObject({ outcome: "decline", grade: "E", limitCents: 0, conditions: [] });
  expect(decision.reasons.map(({ code }) => code)).toEqual([
    "risk-too-high",
    "checking-account",
    "loan-duration",
    "loan-purpose",
    "loan-amount",
  ]);
});

test.each([
  ["suspected", { channel: { identityCheck: "failed" } }, "fraud-suspected"],
  ["not sure enough", { channel: { applicationsLast24Hours: 4 } }, "fraud-inconclusive"],
  ["income contradicted", { ...stated(4000), ...slips(2500) }, "income-contradicted"],
] as const)("writes the same letter whatever it refers for: %s", async (_case, differences, code) => {
  await using bank = aBank();

  const decision = await decideAtBank(anApplication(differences), bank);

  expect(decision).toMatchObject({ outcome: "refer", reasons: [{ code }] });
  const letter = { applicationId: "A-1", kind: "referral", limitCents: 0, reasons: ["details-to-check"], conditions: [] };
  expect((await bank.snapshot()).offers.map(({ entry }) => entry)).toEqual([letter]);
});

test("says nothing of a suspicion to whom it declines, nor in any sentence", async () => {
  await using bank = aBank();
  const suspicious = anApplication({
    status: "no checking account",
    durationMonths: 60,
    purpose: "others",
    channel: { identityCheck: "failed" },
  });

  const decision = await decideAtBank(suspicious, bank);

  expect(decision.outcome).toBe("decline");
  expect(JSON.stringify((await bank.snapshot()).offers)).not.toMatch(/fraud|details-to-check/);
  for (const { text } of [...decision.reasons, ...decide(anApplication({ channel: { identityCheck: "failed" } })).reasons])
    expect(text).not.toMatch(/fraud|suspect|suspic/i);
});

test.each([
  ["Brandt Werkzeugbau", "Brandt Werkzeugbau GmbH", true],
  ["BRANDT  Werkzeugbau, GmbH & Co. KG", "Brandt-Werkzeugbau", true],
  ["Weber e.K.", "weber", true],
  ["Acme, Inc.", "ACME Ltd.", true],
  ["AG", "SE", false],
  ["Brandt Werkzeugbau GmbH", "Brandt Maschinenbau GmbH", false],
])("takes %s and %s for one employer: %s", (one, other, same) => {
  expect(sameName(one, other)).toBe(same);
});

test("cuts the limit to what an outdated payslip carries, and still asks for proof", () => {
  const decision = decide(anApplication({ amountCents: 6_000_00, ...stated(1900), ...outdated(1000) }));

  expect(decision).toMatchObject({ outcome: "approve", limitCents: 4_002_00, conditions: [{ code: "prove-income" }] });
  expect(decision.conditions[0]?.text).toContain("The limit is lowered to what the proven income carries.");
});

function outdated(marks: number) {
  return { evidence: [aPayslip({ documentId: "outdated", issuedOn: "2026-03-31", monthlyNetIncomeCents: marks * 100 })] };
}

function slipsNamed(...names: string[]) {
  return { evidence: names.map((documentId, index) => aPayslip({ documentId, issuedOn: `2026-09-0${index + 1}` })) };
}
