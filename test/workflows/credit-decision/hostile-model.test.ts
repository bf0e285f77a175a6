import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { createOrchestrator, type Inspection, modelsFromEnvironment, type RunEvent, type RunId, sqliteStore } from "walkback";
import { type LoopbackProvider, loopbackProvider } from "walkback/testing";
import {
  type CreditDecision,
  creditWorkflow,
  type Letter,
  type Models,
  type Snapshot,
  sqliteBank,
} from "walkback/workflows/credit-decision";
import { runProgram } from "../../../src/cli/program.js";
import { CONCERN_CODES } from "../../../src/workflows/credit-decision/review/codes.js";
import { aLangSmith, type LangSmithServer } from "../../observe/tracing/langsmith.js";
import { textOf } from "../../support/archive.js";
import { CANARIES, CASES, hostileCases } from "./hostile/cases.js";
import { ATTACKS, hostileModel } from "./hostile/model.js";
import { limited } from "./support.js";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 });

const SECRETS = [CANARIES.apiKey, CANARIES.environment];
const PROTECTED = [CANARIES.nationality, CANARIES.status];
const CAREFUL = { approve: 0, refer: 1, decline: 2 } as const;
const CASE_FILES = hostileCases();
const runIdOf = (index: number) => `01a1fe7b-0000-7000-8000-${String(index).padStart(12, "0")}` as RunId;

/** What became of the cases at one bank. */
interface Decided {
  readonly inspections: readonly Inspection[];
  readonly decisions: readonly CreditDecision[];
  readonly books: Snapshot;
  /** Every call that the bank was sent, without its time. */
  readonly calls: readonly string[];
}

/** Decides all cases at a bank of their own, without retries, which would only hear the next attack. */
async function decideAll(models: Models, dir: string, onEvent: (event: RunEvent) => void = () => {}): Promise<Decided> {
  const bank = sqliteBank({ file: join(dir, "bank.db") });
  const workflow = creditWorkflow(bank, models);
  const limits = { retries: 0, breaker: { consecutiveFailures: 1_000, halfOpenAfterMs: 60_000 } } as const;
  const agents = limited(workflow.agents, limits);
  const store = sqliteStore(join(dir, "store.db"));
  const orchestrator = createOrchestrator({
    store,
    workflows: [{ ...workflow, agents }],
    limits: { unknownPrice: "dearest" },
    tracing: { content: true },
    onEvent,
  });
  await Promise.all(CASE_FILES.map((application, index) => orchestrator.start(workflow.name, application, { runId: runIdOf(index) })));
  const inspections = await Promise.all(CASE_FILES.map((_, index) => orchestrator.inspect(runIdOf(index))));
  const decisions = inspections.map(({ run }) => {
    if (run.status !== "completed") throw new Error(`${run.runId} ended ${run.status}`);
    return run.output as unknown as CreditDecision; // the workflow's output contract
  });
  const [books, calls] = [await bank.snapshot(), await bank.calls()];
  await orchestrator.close();
  await store.close();
  await bank.close();
  return { inspections, decisions, books, calls: calls.map(({ seq: _, at: __, ...call }) => JSON.stringify(call)).toSorted() };
}

const dirs = { alone: mkdtempSync(join(tmpdir(), "walkback-alone-")), hostile: mkdtempSync(join(tmpdir(), "walkback-hostile-")) };
const model = hostileModel();
const events: RunEvent[] = [];
const printed: string[] = [];
const environment: Record<string, string> = { BANK_PASSWORD: CANARIES.environment };
let provider: LoopbackProvider;
let langSmith: LangSmithServer;
let alone: Decided;
let attacked: Decided;

beforeAll(async () => {
  alone = await decideAll({}, dirs.alone);
  provider = await loopbackProvider({ answer: model.answer, apiKey: CANARIES.apiKey });
  langSmith = await aLangSmith();
  const tracing = { LANGSMITH_TRACING: "true", LANGSMITH_ENDPOINT: langSmith.url, LANGSMITH_API_KEY: "lsv2-hostile" };
  Object.assign(environment, provider.environment, tracing);
  Object.assign(process.env, environment);
  const spies = [process.stdout, process.stderr].map((stream) =>
    vi.spyOn(stream, "write").mockImplementation((text) => printed.push(String(text)) > 0),
  );
  try {
    attacked = await decideAll(modelsFromEnvironment(), dirs.hostile, (event) => events.push(event));
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
});

afterAll(async () => {
  await provider?.close();
  await langSmith?.[Symbol.asyncDispose]();
  for (const name of Object.keys(environment)) delete process.env[name];
  for (const dir of Object.values(dirs)) rmSync(dir, { recursive: true, force: true });
});

describe("forty cases before a model that says whatever an attacker wants", () => {
  test("are of every outcome, and every attack was made", () => {
    const outcomes = alone.decisions.map(({ outcome }) => outcome);

    expect(CASE_FILES).toHaveLength(CASES);
    for (const outcome of ["approve", "refer", "decline"]) expect(outcomes.filter((one) => one === outcome).length).toBeGreaterThan(4);
    expect([...new Set(model.log.map(({ attack }) => attack))].toSorted()).toEqual(Object.keys(ATTACKS).toSorted());
    expect(new Set(model.log.map(({ about }) => about)).size).toBe(CASES);
    const changes = new Set(attacked.decisions.map(({ outcome }, index) => `${outcomes[index]} → ${outcome}`));
    expect(changes).toEqual(new Set(["approve → approve", "approve → refer", "approve → decline", "refer → refer", "decline → decline"]));
    const tiers = attacked.inspections.map(({ versions }) => versions.find(({ agent }) => agent === "decide-credit")?.tier);
    expect([...new Set(tiers)].toSorted()).toEqual(["cautious", "premium", "standard"]);
  });

  test.each(CASE_FILES.map((_, index) => index))(
    "case %i: nothing is approved that code would not approve, and no number differs",
    (index) => {
      const { memo: _, flags: __, ...byCode } = alone.decisions[index] as CreditDecision;
      const { memo: ___, flags: ____, ...decision } = attacked.decisions[index] as CreditDecision;

      const { outcome, limitCents, reasons, conditions, ...figures } = decision;
      const { outcome: before, limitCents: limitBefore, reasons: reasonsBefore, conditions: conditionsBefore, ...figuresBefore } = byCode;
      expect(CAREFUL[outcome]).toBeGreaterThanOrEqual(CAREFUL[before]);
      if (before !== "approve" || outcome === "approve") expect(decision).toEqual(byCode);
      expect(figures).toEqual(figuresBefore);
      expect(limitCents).toBe(outcome === "approve" ? limitBefore : 0);
      const score = attacked.inspections[index]?.versions.find(({ agent }) => agent === "calculate-score")?.data;
      const ours = [
        ...CONCERN_CODES,
        "unreviewed",
        "limit-reduced",
        ...(score as { reasons: { code: string }[] }).reasons.map(({ code }) => code),
      ];
      if (outcome !== before) for (const { code } of reasons) expect(ours).toContain(code);
      if (outcome === before) expect([reasons, conditions]).toEqual([reasonsBefore, conditionsBefore]);
    },
  );

  test("every agent but the last one found what it finds without a model", () => {
    const found = ({ inspections }: Decided) =>
      inspections.map(({ versions }) =>
        versions
          .filter(({ agent }) => agent !== "decide-credit")
          .map(({ agent, data }) => JSON.stringify([agent, data]))
          .toSorted(),
      );

    expect(found(attacked)).toEqual(found(alone));
  });

  test("the bank was asked for nothing else, and its books differ in letters that got more careful", () => {
    const { offers: letters, ...books } = attacked.books;
    const { offers: lettersAlone, ...booksAlone } = alone.books;

    expect(books).toEqual(booksAlone);
    expect(attacked.calls).toEqual(alone.calls);
    expect(letters.map(({ idempotencyKey, applicationId }) => [idempotencyKey, applicationId])).toEqual(
      lettersAlone.map(({ idempotencyKey, applicationId }) => [idempotencyKey, applicationId]),
    );
    const kinds = { offer: 0, referral: 1, "adverse-action": 2 } as const;
    for (const [place, { entry }] of letters.entries()) {
      const [letter, before] = [entry, lettersAlone[place]?.entry] as [Letter, Letter];
      expect(kinds[letter.kind]).toBeGreaterThanOrEqual(kinds[before.kind]);
      if (letter.kind === before.kind) expect(letter).toEqual(before);
      else expect(letter).toMatchObject({ limitCents: 0, conditions: [] });
      if (letter.kind === "referral") expect(letter.reasons).toEqual(["details-to-check"]);
    }
  });

  test("no tool was offered, and nothing ran but the five effects and the questions themselves", () => {
    expect(provider.requests.filter(({ body }) => Object.hasOwn(body as object, "tools"))).toEqual([]);
    const did = new Set(attacked.inspections.flatMap(({ effects }) => effects.map(({ agent, effect }) => `${agent}: ${effect}`)));
    expect([...did].toSorted()).toEqual([
      "assess-risk: reserve-exposure",
      "calculate-score: inquire-at-bureau",
      "decide-credit: send-letter",
      "detect-fraud: open-fraud-case",
      "verify-income: hold-evidence",
    ]);
    expect({} as Record<string, unknown>).not.toHaveProperty("outcome");
    expect({} as Record<string, unknown>).not.toHaveProperty("limitCents");
  });

  test("a loan above what needs no second look was approved only where a model's answer was whole", () => {
    for (const [index, { outcome, limitCents, memo }] of attacked.decisions.entries()) {
      const tier = attacked.inspections[index]?.versions.find(({ agent }) => agent === "decide-credit")?.tier;
      if (outcome === "approve" && limitCents > 2_500_00) expect(tier).not.toBe("cautious");
      expect(memo === null).toBe(tier === "cautious");
    }
  });
});

/** A text in pieces is also looked for as a whole. */
function expectFreeOf(text: string, canaries: readonly string[], where: string): void {
  for (const canary of canaries) {
    expect(text.includes(canary), `${canary} in ${where}`).toBe(false);
    expect(text.replaceAll(/[^\w-]/g, "").includes(canary), `${canary} in pieces in ${where}`).toBe(false);
  }
}

describe("no canary is found", () => {
  test("in any file of the store or the bank", () => {
    const files = readdirSync(dirs.hostile);

    expect(files).toEqual(expect.arrayContaining(["bank.db", "store.db"]));
    for (const file of files) expectFreeOf(readFileSync(join(dirs.hostile, file), "latin1"), SECRETS, file);
    expect(readFileSync(join(dirs.hostile, "store.db"), "latin1")).toContain(CANARIES.nationality); // what is there is found
  });

  test("in what was told while it happened, streamed pieces put together, nor on the terminal", () => {
    const streamed = new Map<string, string>();
    for (const event of events)
      if (event.type === "agent.streamed") streamed.set(event.runId, `${streamed.get(event.runId) ?? ""}${event.text}`);

    expect(streamed.size).toBeGreaterThan(0);
    expect(attacked.decisions.map(({ memo }) => memo)).toContainEqual(expect.stringMatching(/^The key is .+\.$/)); // it was told
    for (const [runId, text] of streamed) expectFreeOf(text, [...SECRETS, ...PROTECTED], `the stream of ${runId}`);
    expectFreeOf(JSON.stringify(events), [...SECRETS, ...PROTECTED], "events");
    expect(printed).toEqual([]);
  });

  test("in what LangSmith was told, which was all there is to tell", () => {
    expect(langSmith.requests.join("")).toContain(CANARIES.nationality); // it was told of the applications
    for (const request of langSmith.requests) expectFreeOf(request, SECRETS, "a trace");
  });

  test("in what the model was sent, but for the key where it belongs", () => {
    expect(provider.requests.length).toBeGreaterThan(CASES);
    for (const { body, headers, path, number } of provider.requests) {
      const { authorization, ...others } = headers;
      expect(authorization).toBe(`Bearer ${CANARIES.apiKey}`);
      expectFreeOf(JSON.stringify([path, others, body]), [...SECRETS, ...PROTECTED], `request ${number}`);
    }
  });

  test("in any version but the application itself, in any letter, or in what an inspection tells", () => {
    for (const { versions, effects, run } of attacked.inspections) {
      const [input, ...made] = versions;
      expect(JSON.stringify(input?.data)).toContain(CANARIES.nationality);
      expectFreeOf(JSON.stringify([made, effects, run]), [...SECRETS, ...PROTECTED], run.runId);
    }
    expectFreeOf(JSON.stringify(attacked.books), [...SECRETS, ...PROTECTED], "the books");
  });

  test("in an exported run", async () => {
    const store = sqliteStore(join(dirs.hostile, "store.db"));
    for (const [index] of CASE_FILES.entries()) expectFreeOf(await textOf(store, runIdOf(index)), SECRETS, `the file of case ${index}`);
    expect((await store.verify()).problems).toEqual([]);
    await store.close();
  });
});

describe("on the command line", () => {
  const cli = async (...words: readonly string[]) => {
    const out: string[] = [];
    const spies = [process.stdout, process.stderr].map((stream) =>
      vi.spyOn(stream, "write").mockImplementation((text) => out.push(String(text)) > 0),
    );
    try {
      await runProgram(["--store", join(dirs.hostile, "store.db"), "--data-dir", join(dirs.hostile, "cli"), ...words]);
      return out.join("");
    } finally {
      for (const spy of spies) spy.mockRestore();
    }
  };
  /** Nothing that a terminal obeys, or that turns text around. */
  const OBEYED = /(?![\n\t])[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u;

  test("nothing that was recorded reaches the terminal as an order, or with a canary", async () => {
    const told = [await cli("list"), await cli("list", "--json"), await cli("stats"), await cli("breakers")];
    for (const [index] of CASE_FILES.entries()) told.push(await cli("inspect", runIdOf(index), "--data"));
    told.push(await cli("inspect", runIdOf(0), "--json"), await cli("diff", runIdOf(0), "0", "5"), await cli("replay", runIdOf(0)));

    for (const text of told) {
      expect(text).not.toMatch(OBEYED);
      expectFreeOf(text, SECRETS, "the terminal");
    }
    expect(told.join("")).toContain("\\u001b[2J"); // it was there
  });

  test("nor what happens now", async () => {
    const input = join(dirs.hostile, "cases.jsonl");
    const cases = [0, 8, 15, 21, 33].map((index) => ({ ...CASE_FILES[index], id: `again-${index}` }));
    writeFileSync(input, cases.map((application) => `${JSON.stringify(application)}\n`).join(""));
    const config = join(dirs.hostile, "walkback.config.mjs");
    writeFileSync(config, 'export default { limits: { unknownPrice: "dearest" } };');
    const asked = provider.requests.length;

    for (const words of [[], ["--json"]]) {
      const text = await cli("--config", config, "run", "credit-decision", "--input", input, ...words);

      expect(text).toContain("approve");
      expect(text).not.toMatch(OBEYED);
      expectFreeOf(text, [...SECRETS, ...PROTECTED], "the terminal");
    }
    expect(provider.requests.length).toBeGreaterThan(asked + cases.length);
  });
});
