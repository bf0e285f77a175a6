import {
  type Fence,
  type JournalEntry,
  type Lease,
  type NewRun,
  type NewVersion,
  type Question,
  type RunEvent,
  type RunId,
  type Store,
  seal,
} from "walkback";

let ids = 0;

/** Another id at each call, all of the form of a UUID. */
export function aRunId(): RunId {
  ids += 1;
  return `00000000-0000-7000-8000-${String(ids).padStart(12, "0")}` as RunId;
}

export function aNewRun(change: Partial<NewRun> = {}): NewRun {
  return {
    runId: aRunId(),
    workflow: "credit-decision",
    workflowVersion: 1,
    acceptedAt: "2026-11-02T08:00:00.000Z",
    contract: "credit.application@1",
    input: seal({ applicantId: "a-1" }),
    holder: "this process",
    until: "2026-11-02T08:00:30.000Z",
    idempotencyKey: undefined,
    program: undefined,
    ...change,
  };
}

/** Accepts a run and returns the lease under which it may be written to. */
export async function acceptedIn(store: Store, change: Partial<NewRun> = {}): Promise<Lease> {
  const accepted = await store.runs.accept(aNewRun(change));
  if (accepted.kind === "accepted") return accepted.lease;
  throw new Error(`The run was known already, as ${accepted.runId}.`);
}

export function aVersion({ runId, epoch }: Fence, change: Partial<NewVersion> = {}): NewVersion {
  return {
    runId,
    epoch,
    agent: "calculate-score",
    agentVersion: 1,
    contract: "credit.score@1",
    parents: [0],
    round: 0,
    source: "agent",
    inputHash: "the-question",
    data: seal({ points: 700 }),
    at: "2026-11-02T08:00:01.000Z",
    ...change,
  };
}

export function anEntry({ runId, epoch }: Fence, change: Partial<JournalEntry> = {}): JournalEntry {
  return {
    runId,
    epoch,
    key: `${runId}/pay-out/book/a-1/0`,
    phase: "intended",
    agent: "pay-out",
    effect: "book",
    identity: "a-1",
    generation: 0,
    body: { args: { id: "a-1" }, round: 0 },
    at: "2026-11-02T08:00:02.000Z",
    ...change,
  };
}

export function anEvent({ runId }: Fence, agent = "pay-out"): RunEvent {
  return { runId, at: "2026-11-02T08:00:03.000Z", type: "agent.started", agent, round: 0 };
}

export function aQuestion(change: Partial<Question> = {}): Question {
  return {
    id: "pay-out#0",
    kind: "agent-failed",
    agent: "pay-out",
    details: {},
    allowed: ["retry", "reject"],
    action_request: { action: "pay-out", args: {} },
    config: { allow_ignore: true, allow_respond: false, allow_edit: false, allow_accept: true },
    description: "pay-out failed.",
    ...change,
  };
}
