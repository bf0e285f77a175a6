import { describe, expect, test, vi } from "vitest";
import { modelsFromEnvironment } from "walkback";
import { aFolder, jsonLines } from "../../cli/support/cli.js";
import { rawServer } from "../../support/raw-server.js";
import { QUESTION } from "./asking.js";

test.each([
  {},
  { OPENAI_API_KEY: "" },
  { OPENAI_API_KEY: " \n" },
  { OPENAI_BASE_URL: "https://api.openai.com/v1" },
  { WALKBACK_MODEL_PREMIUM: "gpt-5" },
])("none is available without a key: %j", (environment) => {
  vi.stubEnv("OPENAI_API_KEY", "sk-of-this-process"); // another environment was given

  const { premium, standard } = modelsFromEnvironment(environment);
  expect([premium.available(), standard.available()]).toEqual([false, false]);
});

test("there are two with a key", () => {
  const { premium, standard } = modelsFromEnvironment({ OPENAI_API_KEY: "sk-mine" });

  expect([premium.provider, premium.model, premium.available()]).toEqual(["openai", "gpt-4.1", true]);
  expect([standard.provider, standard.model, standard.available()]).toEqual(["openai", "gpt-4.1-mini", true]);
});

test("they go by the names that the environment gives them", () => {
  const { premium, standard } = modelsFromEnvironment({
    OPENAI_API_KEY: "sk-mine",
    WALKBACK_MODEL_PREMIUM: " gpt-5 ",
    WALKBACK_MODEL_STANDARD: "gpt-5-mini",
  });

  expect([premium.model, standard.model]).toEqual(["gpt-5", "gpt-5-mini"]);
});

test("a server of one's own needs no key, and is sent none of ours", async () => {
  await using server = await rawServer('{"choices":[{"message":{"content":"Paris"},"finish_reason":"stop"}]}');
  vi.stubEnv("OPENAI_API_KEY", "sk-of-this-process");
  const { standard } = modelsFromEnvironment({ OPENAI_BASE_URL: server.url, WALKBACK_MODEL_STANDARD: "llama" });

  const reply = await standard.ask(QUESTION, { signal: new AbortController().signal });

  expect(reply?.text).toBe("Paris");
  expect(server.requests[0]).toMatchObject({ headers: { authorization: "Bearer none" }, body: { model: "llama" } });
});

test("this process's environment is taken when no other is given", () => {
  vi.stubEnv("OPENAI_API_KEY", "sk-of-this-process");
  vi.stubEnv("OPENAI_BASE_URL", "");

  expect(modelsFromEnvironment().premium.available()).toBe(true);
});

describe("a variable that cannot be used", () => {
  const REAL_KEY = "sk-mine-\u00e9-4242";

  const KEY = "OPENAI_API_KEY";
  const URL = "OPENAI_BASE_URL";

  test.each<[string, Record<string, string>, object]>([
    [KEY, { [KEY]: REAL_KEY }, { code: "MODEL_AUTHENTICATION", details: { provider: "openai", model: "gpt-4.1" } }],
    [KEY, { [KEY]: REAL_KEY, [URL]: "http://localhost:1/v1" }, { code: "MODEL_AUTHENTICATION", details: { provider: "localhost:1" } }],
    [URL, { [URL]: "localhost:8080" }, { code: "MODEL_BAD_REQUEST", details: { provider: "openai", model: "gpt-4.1" } }],
    [URL, { [URL]: "http://me:word-4242@localhost", [KEY]: "sk-mine" }, { code: "MODEL_BAD_REQUEST" }],
  ])("%s fails the question, names itself, and costs nothing: %j", async (variable, environment, failure) => {
    const { premium } = modelsFromEnvironment(environment);
    const thrown: unknown = await premium.ask(QUESTION, { signal: new AbortController().signal }).catch((error: unknown) => error);

    expect(premium.available()).toBe(true);
    expect(thrown).toMatchObject({
      ...failure,
      message: expect.stringContaining(`${variable} must`),
      usage: undefined,
      usageUnknown: false,
    });
    expect(JSON.stringify(thrown)).not.toContain("4242");
  });

  test("stops no command that asks no model, and leaves the decision to the tiers in code", async () => {
    using folder = aFolder();
    vi.stubEnv(KEY, REAL_KEY);

    const graph = await folder.cli("graph", "credit-decision");
    const [run] = jsonLines(await folder.cli("run", "credit-decision", "--samples", "--limit", "1", "--json"));
    const runId = String(run?.["runId"]);
    const inspection = await folder.cli("inspect", runId);
    const replay = await folder.cli("replay", runId);

    expect([graph.code, inspection.code, replay.code]).toEqual([0, 0, 0]);
    expect(run).toMatchObject({ status: "completed", degraded: true });
    expect(inspection.out).toContain("MODEL_AUTHENTICATION: gpt-4.1 was not asked: the environment variable OPENAI_API_KEY must be ASCII");
    expect(replay.out).toContain("Nothing differs.");
  });
});
