import { once } from "node:events";
import { createInterface } from "node:readline";
import { afterEach, expect, test, vi } from "vitest";
import { type LoopbackProvider, loopbackProvider } from "walkback/testing";
import { run, start } from "../support/child.js";

const SLOW = 60_000;

/** What a program that is started from now on finds in its environment. */
function handOver(environment: LoopbackProvider["environment"]): void {
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
}

afterEach(() => {
  vi.unstubAllEnvs();
});

test(
  "a program that is killed while it waits for an answer is seen to be gone, and asks again in its next life",
  async () => {
    await using provider = await loopbackProvider({
      apiKey: "sk-handed-over",
      answer: ({ number }) => (number === 1 ? { fault: "silence-after-first-byte" } : `call ${number}`),
    });
    handOver(provider.environment);

    const first = start("ask-model", "How far?");
    await expect.poll(() => provider.requests.length, { timeout: SLOW }).toBe(1);
    first.kill("SIGKILL");
    await once(first, "close");
    const output = await run("ask-model", "How far?");

    expect(output).toBe("call 2\n");
    expect(provider.requests.map(({ number, hungUp }) => ({ number, hungUp }))).toEqual([
      { number: 1, hungUp: true },
      { number: 2, hungUp: false },
    ]);
  },
  SLOW,
);

test(
  "a provider in a process of its own counts what it is asked",
  async () => {
    const provider = start("serve-loopback");
    const lines = createInterface(provider.stdout)[Symbol.asyncIterator]();
    const line = async () => JSON.parse((await lines.next()).value ?? "{}");
    handOver(await line());

    const answers = [await run("ask-model", "How far?"), await run("ask-model", "And back?")];
    provider.stdin.end();

    expect(answers).toEqual(["How far?\n", "And back?\n"]);
    expect([await line(), await line(), (await lines.next()).done]).toEqual([{ number: 1 }, { number: 2 }, true]);
  },
  SLOW,
);

test(
  "a provider in a process of its own answers from the script it is given, and complains when that is not used up",
  async () => {
    const provider = start("serve-loopback", JSON.stringify(["Far.", { fault: "500" }]));
    const complaints: string[] = [];
    provider.stderr.on("data", (chunk) => complaints.push(String(chunk)));
    const [environment] = await once(createInterface(provider.stdout), "line");
    handOver(JSON.parse(environment));

    const answer = await run("ask-model", "How far?");
    provider.stdin.end();
    await once(provider, "close");

    expect(answer).toBe("Far.\n");
    expect(complaints.join("")).toContain("expected a request at step 2 of 2; what came was nothing more");
  },
  SLOW,
);
