import { describe, expect, test } from "vitest";
import type { FailureCode } from "walkback";
import { LOOPBACK_FAULTS, type LoopbackFault } from "walkback/testing";
import { anOffice, MOST, NO_DECISION, type Trouble } from "./office.js";

/** Whose answers are spoiled: those of the first call of a run, or of one in the middle of it. */
const PLACES = { "first call": "look-first", middle: "look-again" } as const;

/**
 * What has to come of a fault that does not go away: the failure of the tier, how often the provider was asked, and what each call
 * counts in the budgets: `nothing`, what was reported (`usage`), the most an answer can have (`length`), or all it can have been (`bound`).
 */
interface Outcome {
  readonly code: FailureCode;
  readonly calls: number;
  readonly counts: "nothing" | "usage" | "length" | "bound";
}

/** A call and one retry; a repair is a call as well. */
const AGAIN = 2;
const TABLE: Readonly<Record<Exclude<LoopbackFault, "retry-after-on-200">, Outcome>> = {
  "429-retry-after-seconds": { code: "MODEL_RATE_LIMITED", calls: AGAIN, counts: "nothing" },
  "429-retry-after-date": { code: "MODEL_RATE_LIMITED", calls: AGAIN, counts: "nothing" },
  "429-retry-after-absurd": { code: "MODEL_RATE_LIMITED", calls: AGAIN, counts: "nothing" },
  "429-retry-after-ms": { code: "MODEL_RATE_LIMITED", calls: AGAIN, counts: "nothing" },
  "429-insufficient-quota": { code: "MODEL_QUOTA", calls: 1, counts: "nothing" },
  "401": { code: "MODEL_AUTHENTICATION", calls: 1, counts: "nothing" },
  "404": { code: "MODEL_BAD_REQUEST", calls: 1, counts: "nothing" },
  "context-length": { code: "MODEL_CONTEXT_LENGTH", calls: 1, counts: "nothing" },
  "500": { code: "MODEL_UNAVAILABLE", calls: AGAIN, counts: "nothing" },
  "502": { code: "MODEL_UNAVAILABLE", calls: AGAIN, counts: "nothing" },
  "503": { code: "MODEL_UNAVAILABLE", calls: AGAIN, counts: "nothing" },
  "529": { code: "MODEL_UNAVAILABLE", calls: AGAIN, counts: "nothing" },
  "truncated-json": { code: "MODEL_PROSE", calls: AGAIN, counts: "usage" },
  "wrong-schema": { code: "MODEL_ANSWER_INVALID", calls: AGAIN, counts: "usage" },
  "prose-around-json": { code: "MODEL_PROSE", calls: AGAIN, counts: "usage" },
  prose: { code: "MODEL_PROSE", calls: AGAIN, counts: "usage" },
  "huge-answer": { code: "MODEL_TOO_LARGE", calls: 1, counts: "bound" },
  refusal: { code: "MODEL_REFUSED", calls: 1, counts: "usage" },
  empty: { code: "MODEL_EMPTY", calls: AGAIN, counts: "usage" },
  "finish-length": { code: "MODEL_TRUNCATED", calls: 1, counts: "length" },
  "malformed-arguments": { code: "MODEL_MALFORMED", calls: AGAIN, counts: "usage" },
  "unknown-tool": { code: "MODEL_MALFORMED", calls: AGAIN, counts: "usage" },
  "silence-before-first-byte": { code: "AGENT_TIMEOUT", calls: AGAIN, counts: "bound" },
  "silence-after-first-byte": { code: "AGENT_TIMEOUT", calls: AGAIN, counts: "bound" },
  "reset-before-answer": { code: "MODEL_DISCONNECTED", calls: AGAIN, counts: "bound" },
  "reset-mid-body": { code: "MODEL_DISCONNECTED", calls: AGAIN, counts: "bound" },
  "truncated-body": { code: "MODEL_DISCONNECTED", calls: AGAIN, counts: "bound" },
  "content-filter": { code: "MODEL_FILTERED", calls: 1, counts: "usage" },
  "reset-mid-stream": { code: "MODEL_DISCONNECTED", calls: AGAIN, counts: "bound" },
  "error-event": { code: "MODEL_STREAM_FAILED", calls: AGAIN, counts: "bound" },
  "no-done": { code: "MODEL_DISCONNECTED", calls: AGAIN, counts: "usage" },
  "ends-early": { code: "MODEL_DISCONNECTED", calls: AGAIN, counts: "bound" },
};

const FAULTS = Object.keys(TABLE) as (keyof typeof TABLE)[]; // a literal table has no other keys

test("every fault that the loopback provider has is in the table", () => {
  expect([...FAULTS, "retry-after-on-200"].sort()).toEqual([...LOOPBACK_FAULTS].sort());
});

/** They ask to wait for seconds, which a test does not: it looks at how long they ask for. */
const ASKS_TO_WAIT: Readonly<Partial<Record<LoopbackFault, (retryAfterMs: number) => boolean>>> = {
  "429-retry-after-seconds": (ms) => ms === 2_000,
  "429-retry-after-date": (ms) => ms > 5_000 && ms <= 10_000,
  "429-retry-after-absurd": (ms) => ms === 30_000,
};

/** Long enough for a good answer on a busy machine, but where nothing comes. */
function trouble(fault: LoopbackFault, agent: Trouble["agent"]): Trouble {
  return { fault, agent, retries: ASKS_TO_WAIT[fault] ? 0 : 1, timeoutMs: fault.startsWith("silence") ? 700 : 20_000 };
}

describe.each(Object.entries(PLACES))("in the %s of a run", (_place, agent) => {
  test.for(FAULTS)(
    "%s, for good: the next tier answers, nothing else is made of it, and the budget is right",
    async (fault, { expect }) => {
      const { code, calls, counts } = TABLE[fault];
      const asksToWait = ASKS_TO_WAIT[fault];
      const asked = asksToWait ? 1 : calls;
      await using office = await anOffice(trouble(fault, agent));

      const run = await office.start();

      const [failure, ...others] = office.failuresOfTiers();
      const other = agent === "look-first" ? "look-again" : "look-first";
      expect(run).toMatchObject({ status: "completed", degraded: true });
      expect(await office.versionOf(run.runId, agent)).toMatchObject({ tier: "basic", data: NO_DECISION });
      expect(await office.versionOf(run.runId, other)).toMatchObject({ tier: "premium", data: { verdict: "approve" } });
      expect([failure?.code, others]).toEqual([code, []]);
      if (asksToWait) expect(failure?.details["retryAfterMs"]).toSatisfy(asksToWait);
      expect([office.callsOf(agent), office.callsOf(other)]).toEqual([asked, 1]);
      expect(office.spentBy(other)).toMatchObject([REPORTED]);
      const due = counts === "nothing" ? [] : office.bytesAsked(agent).map((bytes) => DUE[counts](bytes));
      expect(office.spentBy(agent)).toMatchObject(due);
      expect(office.tokensReserved()).toBe(0);
    },
  );

  test.for(FAULTS)("%s, once: another try helps where one is worth it", async (fault, { expect }) => {
    const { calls } = TABLE[fault];
    await using office = await anOffice({ ...trouble(fault, agent), times: 1 });

    const run = await office.start();

    const tier = calls === AGAIN && !ASKS_TO_WAIT[fault] ? "premium" : "basic";
    expect(run).toMatchObject({ status: "completed", degraded: tier === "basic" });
    expect(await office.versionOf(run.runId, agent)).toMatchObject({ tier });
  });
});

const REPORTED = { inputTokens: 100, outputTokens: 20, reported: true };
/** No question has more tokens than bytes; its schema counts as well. */
const DUE = {
  usage: () => REPORTED,
  length: () => ({ ...REPORTED, outputTokens: MOST }),
  bound: (bytes: number) => ({
    inputTokens: expect.toSatisfy((tokens: number) => tokens > bytes && tokens < bytes + 1_000),
    outputTokens: MOST,
    reported: false,
  }),
};

describe("during a replay", () => {
  test.for(FAULTS)("nobody is asked again after %s, nothing is paid for, and everything is as recorded", async (fault, { expect }) => {
    await using office = await anOffice({ ...trouble(fault, "look-again"), retries: 0 });
    const run = await office.start();
    const before = [office.requests(), office.spentBy("look-first"), office.spentBy("look-again")];

    const replay = await office.replay(run.runId);

    expect(replay).toMatchObject({ differs: undefined, status: { recorded: "completed", replayed: "completed" } });
    expect([office.requests(), office.spentBy("look-first"), office.spentBy("look-again")]).toEqual(before);
  });
});

test("a good answer that asks to wait is a good answer", async () => {
  await using office = await anOffice(trouble("retry-after-on-200", "look-first"));

  expect(await office.start()).toMatchObject({ status: "completed", degraded: false });
});
