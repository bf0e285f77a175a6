import { afterEach, describe, expect, test, vi } from "vitest";
import { type Agent, completed, defineEffect, defineWorkflow } from "walkback";
import { aTravelAgency, down, Paid, Wish } from "./support.js";

afterEach(() => {
  vi.useRealTimers();
});

interface Transfer {
  readonly to: string;
  readonly cents: number;
}

function wireMoney(
  wires: Transfer[],
  settings: { readonly pivot?: boolean; readonly irreversible?: boolean; readonly approvalTtlMs?: number },
) {
  return defineEffect({
    name: "wire-money",
    identity: ({ to }: Transfer) => to,
    perform: async (transfer: Transfer) => {
      wires.push(transfer);
      return { done: true };
    },
    ...settings,
  });
}

describe("an irreversible effect", () => {
  test("waits until a human approves exactly these arguments", async () => {
    const wires: Transfer[] = [];
    const wire = wireMoney(wires, { irreversible: true });
    await using agency = aTravelAgency([wire], ({ effects }) => effects.perform("wire-money", { to: "hotel", cents: 100 }));

    const asked = await agency.start();
    const before = [...wires];
    const run = await agency.orchestrator.resume(asked.runId, { decision: "approve" });

    expect(asked).toMatchObject({
      status: "waiting",
      questions: [
        {
          kind: "approval",
          allowed: ["approve", "reject"],
          action_request: { action: "wire-money", args: { args: { to: "hotel", cents: 100 } } },
        },
      ],
    });
    expect(before).toEqual([]);
    expect(run).toMatchObject({ status: "completed" });
    expect(wires).toEqual([{ to: "hotel", cents: 100 }]);
  });

  test("is asked for again when its arguments have changed since", async () => {
    const wires: Transfer[] = [];
    let cents = 100;
    await using agency = aTravelAgency([wireMoney(wires, { irreversible: true })], ({ effects }) =>
      effects.perform("wire-money", { to: "hotel", cents }),
    );
    const asked = await agency.start();
    cents = 999;

    const again = await agency.orchestrator.resume(asked.runId, { decision: "approve" });

    expect(again).toMatchObject({
      status: "waiting",
      questions: [{ kind: "approval", action_request: { args: { args: { cents: 999 } } } }],
    });
    expect(wires).toEqual([]);
  });

  test("is asked for again when the approval has expired", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const wires: Transfer[] = [];
    let fail = true;
    const wire = wireMoney(wires, { irreversible: true, approvalTtlMs: 60_000 });
    await using agency = aTravelAgency([wire], async ({ effects }) => {
      if (fail && wires.length === 0) vi.setSystemTime(Date.now() + 61_000);
      return effects.perform("wire-money", { to: "hotel", cents: 100 });
    });
    const asked = await agency.start();

    const expired = await agency.orchestrator.resume(asked.runId, { decision: "approve" });
    fail = false;
    const run = await agency.orchestrator.resume(asked.runId, { decision: "approve" });

    expect(expired).toMatchObject({ status: "waiting", questions: [{ kind: "approval" }] });
    expect(run).toMatchObject({ status: "completed" });
    expect(wires).toHaveLength(1);
  });

  test("that is rejected walks the run back", async () => {
    const wires: Transfer[] = [];
    await using agency = aTravelAgency([wireMoney(wires, { irreversible: true })], ({ effects }) =>
      effects.perform("wire-money", { to: "hotel", cents: 1 }),
    );
    const asked = await agency.start();

    const run = await agency.orchestrator.resume(asked.runId, { decision: "reject", reason: "too dear" });

    expect(run).toMatchObject({ status: "rolled-back", failure: { code: "REJECTED", details: { reason: "too dear" } } });
    expect(wires).toEqual([]);
  });

  test("may be approved in the Agent Inbox, which only knows accept", async () => {
    const wires: Transfer[] = [];
    await using agency = aTravelAgency([wireMoney(wires, { irreversible: true })], ({ effects }) =>
      effects.perform("wire-money", { to: "hotel", cents: 1 }),
    );
    const asked = await agency.start();

    expect(await agency.orchestrator.resume(asked.runId, [{ type: "accept" }] as never)).toMatchObject({ status: "completed" });
  });
});

describe("past a pivot", () => {
  test("a failure is no walk-back: the run is parked until it can be carried forward", async () => {
    const wires: Transfer[] = [];
    let broken = true;
    const confirm: Partial<Agent> = { execute: async ({ trip }) => (broken ? down.execute() : completed(trip)) };
    await using agency = aTravelAgency(
      [wireMoney(wires, { pivot: true })],
      ({ effects }) => effects.perform("wire-money", { to: "hotel", cents: 1 }),
      confirm,
    );

    const parked = await agency.start();
    const cancel = agency.orchestrator.cancel(parked.runId);
    await expect(cancel).rejects.toMatchObject({ code: "PAST_PIVOT", details: { effect: "wire-money" } });
    broken = false;
    const run = await agency.orchestrator.resume(parked.runId, { decision: "retry" });

    expect(parked).toMatchObject({
      status: "parked",
      failure: { code: "AGENT_FAILED" },
      questions: [{ kind: "past-pivot", allowed: ["retry", "use"] }],
    });
    expect(run).toMatchObject({ status: "completed" });
    expect(wires).toHaveLength(1);
  });

  test("a failure before it is an ordinary walk-back", async () => {
    const wires: Transfer[] = [];
    await using agency = aTravelAgency([wireMoney(wires, { pivot: true })], () => Promise.reject(new Error("no hotel")));

    expect(await agency.start()).toMatchObject({ status: "rolled-back" });
  });
});

describe("a workflow is refused when it is defined", () => {
  const effect = (name: string, settings: object) =>
    defineEffect({ name, identity: () => "x", perform: async () => ({}), ...settings } as never);
  const undo = async () => {};
  const agents = (first: unknown[], second: unknown[]): Agent[] => [
    { ...aTravelAgency(first as never, async () => {}).workflow.agents[0], effects: first } as Agent,
    { ...aTravelAgency([], async () => {}).workflow.agents[1], effects: second } as Agent,
  ];
  const problems = (list: Agent[]) => {
    try {
      defineWorkflow({ name: "travel", input: Wish, output: Paid, agents: list });
      return [];
    } catch (thrown) {
      return (thrown as { details: { issues: { problem: string; message: string }[] } }).details.issues.map(({ message }) => message);
    }
  };
  const pivot = effect("pay", { pivot: true });

  test("with two points of no return on one path", () => {
    expect(problems(agents([pivot], [effect("wire", { irreversible: true })]))).toEqual([
      '"wire" of confirm comes after the pivot "pay" of book-trip and is a second point of no return',
    ]);
  });

  test("with something to undo after the pivot", () => {
    expect(problems(agents([pivot], [effect("hold", { undo })]))).toEqual([
      '"hold" of confirm comes after the pivot "pay" of book-trip, so it can never be undone: leave out its undo, or move it before',
    ]);
  });

  test("with something after the pivot that cannot be sent again", () => {
    expect(problems(agents([pivot], [effect("fax", { kind: "opaque" })]))).toEqual([
      '"fax" of confirm comes after the pivot "pay" of book-trip, so it must be safe to send again: make it keyed or findable',
    ]);
  });

  test("with an effect that cannot be undone and is no point of no return, even inside one agent", () => {
    expect(() => agents([effect("hold", {})], [])).toThrow(
      '"hold" of book-trip has no undo: give it one, or declare it pivot or irreversible',
    );
    expect(() => agents([pivot, effect("hold", { undo })], [])).toThrow("can never be undone");
  });

  test("and is fine with what can be undone before, one pivot, and what can be repeated after", () => {
    expect(problems(agents([effect("hold", { undo }), pivot], [effect("mail", {})]))).toEqual([]);
  });
});
