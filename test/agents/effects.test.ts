import { describe, expect, test } from "vitest";
import { defineEffect, EffectRefused, type JournalEntry, StoreFailed, sqliteStore } from "walkback";
import { aCard, aTravelAgency, down, REFUSED } from "./support.js";

interface Charge {
  readonly order: string;
  readonly cents: number;
  readonly toolCallId?: string;
}

function chargeCard(card: ReturnType<typeof aCard>, behave: { lose?: number; refuse?: boolean } = {}) {
  return defineEffect({
    name: "charge-card",
    identity: ({ order }: Charge) => order,
    perform: async ({ order, cents }: Charge, { idempotencyKey }) => {
      card.requests.push(idempotencyKey);
      if (!card.charges.has(idempotencyKey)) card.charges.set(idempotencyKey, { order, cents });
      if ((behave.lose ?? 0) > 0) {
        behave.lose = (behave.lose ?? 0) - 1;
        throw new Error("the answer was lost");
      }
      return { receipt: `r-${order}` };
    },
    undo: async (_done, { performedUnder }) => void card.charges.delete(performedUnder),
  });
}

describe("the support ticket: I was charged three times", () => {
  test("a model that calls its tool three times for one order charges once, and gets the same receipt each time", async () => {
    const card = aCard();
    await using agency = aTravelAgency([chargeCard(card)], async ({ effects }) => {
      // Three tool calls with three ids, as a looping model makes them; the id is no part of the intent.
      const toolCalls = ["call_a", "call_b", "call_c"];
      return Promise.all(toolCalls.map(() => effects.perform("charge-card", { order: "o-1", cents: 500 })));
    });

    const run = await agency.start();

    expect(card.total()).toBe(500);
    expect(card.requests).toHaveLength(1);
    expect(run).toMatchObject({ status: "completed", output: { note: JSON.stringify(Array(3).fill({ receipt: "r-o-1" })) } });
  });

  test("a second order is charged as well", async () => {
    const card = aCard();
    await using agency = aTravelAgency([chargeCard(card)], async ({ effects }) => {
      await effects.perform("charge-card", { order: "o-1", cents: 500 });
      await effects.perform("charge-card", { order: "o-2", cents: 500 });
    });

    await agency.start();

    expect(card.total()).toBe(1000);
  });

  test("the same order with another amount is a conflict, not a second charge", async () => {
    const card = aCard();
    await using agency = aTravelAgency([chargeCard(card)], async ({ effects }) => {
      await effects.perform("charge-card", { order: "o-1", cents: 500 });
      await effects.perform("charge-card", { order: "o-1", cents: 700 });
    });

    const run = await agency.start();

    expect(run).toMatchObject({
      status: "rolled-back",
      failure: { code: "CONFLICTING_INTENT", details: { identity: "o-1", recorded: { cents: 500 }, offered: { cents: 700 } } },
    });
    expect(card.total()).toBe(0);
  });

  test("booking again after the first booking was undone works, under a new key", async () => {
    const card = aCard();
    // The gate refuses the first round, so its charge is undone before the second round charges anew.
    await using agency = aTravelAgency([chargeCard(card)], async ({ effects, feedback }) => {
      await effects.perform("charge-card", { order: "o-1", cents: 500 });
      return feedback.length === 0 ? REFUSED : "booked again";
    });

    const run = await agency.start();

    expect(run).toMatchObject({ status: "completed" });
    expect(new Set(card.requests).size).toBe(2);
    expect(card.total()).toBe(500);
  });
});

test("an answer that was lost is asked for again under the same key, and applied once", async () => {
  const card = aCard();
  await using agency = aTravelAgency([chargeCard(card, { lose: 1 })], async ({ effects }) => {
    await effects.perform("charge-card", { order: "o-1", cents: 500 }).catch(() => {});
    return effects.perform("charge-card", { order: "o-1", cents: 500 });
  });

  const run = await agency.start();

  expect(run).toMatchObject({ status: "completed", output: { note: '{"receipt":"r-o-1"}' } });
  expect(card.requests).toHaveLength(2);
  expect(new Set(card.requests).size).toBe(1);
  expect(card.total()).toBe(500);
});

test("an effect whose answer never came is undone with the rest", async () => {
  const card = aCard();
  await using agency = aTravelAgency([chargeCard(card, { lose: 99 })], ({ effects }) =>
    effects.perform("charge-card", { order: "o-1", cents: 500 }),
  );

  const run = await agency.start();

  expect(run).toMatchObject({ status: "rolled-back", failure: { code: "EFFECT_FAILED" }, undone: [{ effect: "charge-card" }] });
  expect(card.total()).toBe(0);
});

describe("an effect that the other side refuses", () => {
  /** More than 1000 cents are declined; `lose` so many answers before that. */
  const chargeUpTo1000 = (card: ReturnType<typeof aCard>, more: { kind?: "opaque"; irreversible?: true; lose?: number } = {}) => {
    let { lose = 0 } = more;
    return defineEffect({
      name: "charge-card",
      kind: more.kind ?? "keyed",
      identity: ({ order }: Charge) => order,
      perform: async ({ order, cents }: Charge, { idempotencyKey }) => {
        card.requests.push(idempotencyKey.split("/").at(-1) ?? "");
        if (lose-- > 0) throw Object.assign(new Error("reset"), { code: "ECONNRESET" });
        if (cents > 1000) throw new EffectRefused("Declined.", { agent: "book-trip", effect: "charge-card", reason: "too much" });
        card.charges.set(idempotencyKey, { order, cents });
        return { cents };
      },
      ...(more.irreversible
        ? { irreversible: true }
        : {
            undo: async (_done: object, { performedUnder }: { performedUnder: string }) => {
              card.requests.push("undo");
              card.charges.delete(performedUnder);
            },
          }),
    });
  };
  const asksForLess: Parameters<typeof aTravelAgency<[ReturnType<typeof chargeUpTo1000>]>>[1] = async ({ effects }) => {
    const declined = await effects.perform("charge-card", { order: "o-1", cents: 5000 }).catch((thrown) => {
      if (thrown.code !== "EFFECT_REFUSED") throw thrown;
      return thrown.code;
    });
    return [declined, await effects.perform("charge-card", { order: "o-1", cents: 900 })];
  };
  const lessIsCharged = { note: '["EFFECT_REFUSED",{"cents":900}]' };

  test.each(["keyed", "opaque"] as const)(
    "did not happen (%s), so the same intent may be tried with other arguments, under a new key",
    async (kind) => {
      const card = aCard();
      const more = kind === "opaque" ? { kind } : {};
      await using agency = aTravelAgency([chargeUpTo1000(card, more)], asksForLess);

      const run = await agency.start();

      expect(run).toMatchObject({ status: "completed", output: lessIsCharged });
      expect(card.requests).toEqual(["0", "1"]);
      expect(await agency.orchestrator.replay(run.runId)).toMatchObject({ status: { replayed: "completed" }, differs: undefined });
    },
  );

  test("is not undone when the run walks back", async () => {
    const card = aCard();
    await using agency = aTravelAgency([chargeUpTo1000(card)], asksForLess, down);

    const run = await agency.start();

    expect(run).toMatchObject({ status: "rolled-back", undone: [{ effect: "charge-card" }] });
    expect(card.requests).toEqual(["0", "1", "undo"]);
    expect(card.total()).toBe(0);
    expect((await agency.orchestrator.replay(run.runId)).differs).toBeUndefined();
  });

  test("that has no way back leaves nothing for a human to find out", async () => {
    const card = aCard();
    await using agency = aTravelAgency([chargeUpTo1000(card, { irreversible: true })], async ({ effects }) =>
      effects.perform("charge-card", { order: "o-1", cents: 5000 }),
    );

    const { runId } = await agency.start();
    const run = await agency.orchestrator.resume(runId, { decision: "approve" });

    expect(run).toMatchObject({ status: "rolled-back", failure: { code: "EFFECT_REFUSED" }, undone: [] });
  });

  test("must be approved anew when it is tried with other arguments", async () => {
    const card = aCard();
    await using agency = aTravelAgency([chargeUpTo1000(card, { irreversible: true })], asksForLess);

    const { runId } = await agency.start();
    const again = await agency.orchestrator.resume(runId, { decision: "approve" });
    expect(again).toMatchObject({
      status: "waiting",
      questions: [{ kind: "approval", details: { failure: { details: { args: { cents: 900 } } } } }],
    });
    expect((await agency.orchestrator.replay(runId)).differs).toBeUndefined();
    const run = await agency.orchestrator.resume(runId, { decision: "approve" });

    expect(run).toMatchObject({ status: "completed" });
    expect(card.total()).toBe(900);
  });

  test("is sent again under its key, and undone for safety, when its process died before it had noted the refusal", async () => {
    const card = aCard();
    const store = sqliteStore(":memory:");
    const append = (entry: JournalEntry) =>
      entry.phase === "failed"
        ? Promise.reject(new StoreFailed("gone", { path: ":memory:", operation: "append" }))
        : store.journal.append(entry);
    const dying = { ...store, journal: { ...store.journal, append } };
    await using first = aTravelAgency([chargeUpTo1000(card)], asksForLess, {}, { store: dying, leaseMs: 1 });
    await expect(first.start()).rejects.toMatchObject({ code: "STORE_FAILED" });
    await using second = aTravelAgency([chargeUpTo1000(card)], asksForLess, {}, { store });

    const [run] = await second.orchestrator.recover();

    expect(run).toMatchObject({ status: "rolled-back", failure: { code: "CONFLICTING_INTENT" } });
    expect(card.requests).toEqual(["0", "0", "undo"]);
    expect(card.total()).toBe(0);
  });

  test("may have happened all the same when the answer to an earlier try was lost", async () => {
    const card = aCard();
    const refusals: unknown[] = [];
    await using agency = aTravelAgency(
      [chargeUpTo1000(card, { lose: 1 })],
      async ({ effects }) => {
        const charge = (cents: number) => effects.perform("charge-card", { order: "o-1", cents });
        await charge(5000).catch((thrown) => {
          if (thrown.code !== "EFFECT_REFUSED") throw thrown;
        });
        return charge(900).catch((thrown) => refusals.push(thrown.code));
      },
      {},
      { retries: 1 },
    );

    const run = await agency.start();

    expect(refusals).toEqual(["CONFLICTING_INTENT"]);
    expect(card.requests).toEqual(["0", "0", "undo"]);
    expect(run.status).toBe("completed");
  });
});

test("what was not declared cannot be done", async () => {
  await using agency = aTravelAgency([], ({ effects }) => effects.perform("charge-card" as never, { order: "o-1" } as never));

  expect(await agency.start()).toMatchObject({ status: "rolled-back", failure: { code: "EFFECT_UNDECLARED" } });
});

test("once the run has failed, a straggler may do nothing more outside", async () => {
  const card = aCard();
  const refused: unknown[] = [];
  await using agency = aTravelAgency([chargeCard(card)], async ({ effects, signal }) => {
    const straggle = async () => {
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      await effects.perform("charge-card", { order: "late", cents: 1 }).catch((thrown) => refused.push(thrown.code));
    };
    void straggle();
    throw new Error("gave up");
  });

  const run = await agency.start();
  await new Promise(setImmediate);

  expect(run).toMatchObject({ status: "rolled-back" });
  expect(refused).toEqual(["EFFECT_REFUSED"]);
  expect(card.requests).toEqual([]);
});

test("a recorded call is made once for each time it is asked for, and answered from the journal when the round is worked again", async () => {
  const paid: string[] = [];
  let attempts = 0;
  await using agency = aTravelAgency(
    [],
    async ({ effects }) => {
      const ask = (question: string) => effects.record("model", { question }, async () => `${question} ${paid.push(question)}`);
      const answers = [await ask("where"), await ask("where"), await ask("when")];
      if (++attempts === 1) throw Object.assign(new Error("reset"), { code: "ECONNRESET" });
      return answers;
    },
    {},
    { retries: 1 },
  );

  const run = await agency.start();

  expect(attempts).toBe(2);
  expect(paid).toEqual(["where", "where", "when"]);
  expect(run).toMatchObject({ status: "completed", output: { note: '["where 1","where 2","when 3"]' } });
});

describe("an opaque effect", () => {
  const send = (sent: string[], lose: { times: number }) =>
    defineEffect({
      name: "send-fax",
      kind: "opaque",
      identity: ({ to }: { to: string }) => to,
      perform: async ({ to }: { to: string }) => {
        sent.push(to);
        if (lose.times-- > 0) throw new Error("line dropped");
        return { page: 1 };
      },
      undo: async ({ args }) => void sent.push(`recall ${args.to}`),
    });

  test("is never repeated: the run is parked and says what to find out", async () => {
    const sent: string[] = [];
    await using agency = aTravelAgency([send(sent, { times: 1 })], async ({ effects }) => {
      await effects.perform("send-fax", { to: "hotel" }).catch(() => {});
      return effects.perform("send-fax", { to: "hotel" });
    });

    const run = await agency.start();

    expect(run).toMatchObject({
      status: "parked",
      questions: [{ kind: "uncertain", allowed: ["done", "retry", "reject"], description: expect.stringContaining('"send-fax" (hotel)') }],
    });
    expect(sent).toEqual(["hotel"]);
  });

  test.each([
    ["done", { decision: "done", output: { page: 7 } }, "completed", ["hotel"], '{"page":7}'],
    ["retry", { decision: "retry" }, "completed", ["hotel", "hotel"], '{"page":1}'],
  ] as const)("%s carries it on", async (_name, decision, status, calls, note) => {
    const sent: string[] = [];
    let first = true;
    await using agency = aTravelAgency([send(sent, { times: 1 })], async ({ effects }) => {
      if (first) {
        first = false;
        await effects.perform("send-fax", { to: "hotel" }).catch(() => {});
      }
      return effects.perform("send-fax", { to: "hotel" });
    });
    const parked = await agency.start();

    const run = await agency.orchestrator.resume(parked.runId, decision);

    expect(run).toMatchObject({ status, output: { note } });
    expect(sent).toEqual(calls);
  });

  test("reject walks the run back, and parks it again with the fax as what remains", async () => {
    const sent: string[] = [];
    await using agency = aTravelAgency([send(sent, { times: 1 })], async ({ effects }) => {
      await effects.perform("send-fax", { to: "hotel" }).catch(() => {});
      return effects.perform("send-fax", { to: "hotel" });
    });
    const parked = await agency.start();

    const remaining = await agency.orchestrator.resume(parked.runId, { decision: "reject", reason: "too late" });
    const ended = await agency.orchestrator.resume(parked.runId, { decision: "done" });

    expect(remaining).toMatchObject({
      status: "parked",
      failure: { code: "REJECTED" },
      remaining: [{ effect: "send-fax", failure: { code: "EFFECT_UNCERTAIN" } }],
    });
    expect(sent).toEqual(["hotel"]);
    expect(ended).toMatchObject({ status: "rolled-back", undone: [{ effect: "send-fax", outcome: "done-by-human" }] });
  });
});

test("a findable effect is looked up before it is sent again", async () => {
  const rooms: string[] = [];
  const asked: string[] = [];
  let lose = true;
  const book = defineEffect({
    name: "book-room",
    kind: "findable",
    identity: ({ hotel }: { hotel: string }) => hotel,
    perform: async ({ hotel }: { hotel: string }) => {
      rooms.push(hotel);
      if (lose) {
        lose = false;
        throw new Error("line dropped");
      }
      return { room: rooms.length };
    },
    find: async ({ hotel }) => {
      asked.push(hotel);
      return rooms.includes(hotel) ? { room: rooms.indexOf(hotel) + 1 } : undefined;
    },
    undo: async ({ args }) => void rooms.splice(rooms.indexOf(args.hotel), 1),
  });
  await using agency = aTravelAgency(
    [book],
    async ({ effects }) => {
      await effects.perform("book-room", { hotel: "Ritz" }).catch(() => {});
      return effects.perform("book-room", { hotel: "Ritz" });
    },
    down,
  );

  const run = await agency.start();

  expect(asked).toEqual(["Ritz"]);
  expect(run).toMatchObject({ status: "rolled-back", undone: [{ effect: "book-room" }] });
  expect(rooms).toEqual([]);
});
