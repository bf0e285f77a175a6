import { expect, test, vi } from "vitest";
import { modelsFromEnvironment } from "walkback";
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

test.each([{ OPENAI_BASE_URL: "localhost:8080" }, { OPENAI_API_KEY: "sk-mine\u00e9" }])("what is none is refused: %j", (environment) => {
  expect(() => modelsFromEnvironment(environment)).toThrow(expect.objectContaining({ code: "OPTION_INVALID" }));
});
