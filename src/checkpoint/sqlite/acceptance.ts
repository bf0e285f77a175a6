import { KeyReused, RunExists } from "../../contracts/failure.js";
import type { RunId } from "../../contracts/ids.js";
import type { Sealed } from "../../contracts/json.js";
import { CHAIN_START, forkStart } from "../chain.js";
import { type Accepted, DEFAULT_PRIORITY, type NewFork, type NewRun, type RunLog } from "../ports.js";
import { queuedEvents } from "../queue-events.js";
import { insertEvent, rowOfEvent } from "./events.js";
import type { Ground } from "./ground.js";
import { questionRows } from "./questions.js";
import { queueAdmission } from "./queue-admission.js";
import type { RunFacts, RunLease, RunRow } from "./run-rows.js";
import { insertFailedStep, insertVersion, readVersion, type VersionRow, versionOf, versionUnknown } from "./versions.js";

/** How a run comes to be: from an input, or from the history of another. Transactions are the caller's. */
export function acceptance(ground: Ground): {
  accept(run: NewRun): Accepted;
  fork(fork: NewFork): Awaited<ReturnType<RunLog["fork"]>>;
} {
  const { database, rows, contents } = ground;
  const selectByKey = database.prepare<[string], string>("SELECT run_id FROM runs WHERE idempotency_key = ?").pluck();
  const selectFirst = database.prepare<[string], VersionRow>("SELECT * FROM versions WHERE run_id = ? AND number = 0");
  const append = insertVersion(ground);
  const copyHistory = historyCopier(ground);
  const admission = queueAdmission(ground);
  const appendEvent = insertEvent(ground);

  const insert = (run: Pick<NewRun, "runId" | "acceptedAt" | "holder" | "until">, facts: Partial<RunFacts & RunLease>): RunRow => {
    const { runId } = run;
    if (rows.find(runId)) throw new RunExists(`Run ${runId} exists already. Choose another id, or resume it.`, { runId });
    const about = { run_id: runId, status: "running", accepted_at: run.acceptedAt, holder: run.holder, lease_until: run.until } as const;
    rows.insert({ ...NOTHING, ...about, ...facts });
    return rows.get(runId);
  };
  const leaseOf = ({ runId, until }: Pick<NewRun, "runId" | "until">) => ({ runId, epoch: 1, until, crashes: 0, cancelReason: undefined });

  return {
    accept(run) {
      const { runId, contract, input, idempotencyKey, workflow } = run;
      const known = idempotencyKey === undefined ? undefined : (selectByKey.get(idempotencyKey) as string | undefined);
      if (known !== undefined && idempotencyKey !== undefined) {
        const same = rows.get(known as RunId).workflow === workflow && selectFirst.get(known)?.data_hash === input.hash;
        if (!same) throw keyReused(idempotencyKey, known);
        return { kind: "known", runId: known as RunId };
      }
      const program = run.program && contents.put({ type: "json", bytes: Buffer.from(run.program.json) });
      const { tenant, priority = DEFAULT_PRIORITY, deadline } = run;
      const about = { workflow, workflow_version: run.workflowVersion, idempotency_key: idempotencyKey ?? null, program: program ?? null };
      const waits = admission.mustWait(run) ? { ...WAITING, queue_place: admission.takePlace(run) } : {};
      const row = insert(run, { ...about, tenant: tenant ?? null, priority, deadline: deadline ?? null, ...waits });
      const first = { runId, agent: "input", agentVersion: 0, contract, parents: [], round: 0, source: "input", inputHash: "" } as const;
      const version = versionOf(append(row, { ...first, data: input, at: run.acceptedAt }), input.data);
      if (row.status !== "queued") return { kind: "accepted", version, lease: leaseOf(run) };
      for (const event of queuedEvents(run)) appendEvent(rows.get(runId), rowOfEvent(event));
      return { kind: "queued", runId };
    },
    fork(fork) {
      const source = rows.get(fork.from.runId);
      const { runId, number } = fork.from;
      if (!Number.isSafeInteger(number) || number < 0 || number >= source.versions)
        throw versionUnknown(runId, number, source.versions - 1);
      const { workflow, workflow_version, program, tenant, priority } = source;
      const inherited = { workflow, workflow_version, program, tenant, priority };
      const row = insert(fork, { ...inherited, forked_from: JSON.stringify({ runId, number }) });
      copyHistory(row, fork);
      const first = selectFirst.get(fork.runId) as VersionRow; // copied just now
      return { version: readVersion(ground, first), lease: leaseOf(fork) };
    },
  };
}

/** A run that waits for its turn is held by nobody. */
const WAITING = { status: "queued", holder: null, lease_until: null } as const;

/** A run of which nothing is known yet. */
export const NOTHING: RunFacts & RunLease = {
  run_id: "",
  workflow: "",
  workflow_version: 0,
  status: "running",
  accepted_at: "",
  ended_at: null,
  failure: null,
  output_version: null,
  idempotency_key: null,
  cancel_reason: null,
  program: null,
  forked_from: null,
  tenant: null,
  priority: DEFAULT_PRIORITY,
  deadline: null,
  queue_place: null,
  begun_at: null,
  degraded: 0,
  versions: 0,
  versions_head: CHAIN_START,
  failed_steps: 0,
  journal: 0,
  journal_head: CHAIN_START,
  events: 0,
  questions: 0,
  epoch: 1,
  holder: null,
  lease_until: null,
  crashes: 0,
  progress: 1,
};

/** Copies the versions of a run up to a number, and what failed and was answered in the rounds before theirs. */
function historyCopier(ground: Ground) {
  const { database, rows, contents } = ground;
  const select = database.prepare<[string, number], VersionRow>("SELECT * FROM versions WHERE run_id = ? AND number <= ? ORDER BY number");
  const selectFailed = database.prepare<[string], { agent: string; round: number; failure: string; at: string }>(
    "SELECT agent, round, failure, at FROM failed_steps WHERE run_id = ? ORDER BY rowid",
  );
  const append = insertVersion(ground);
  const appendFailed = insertFailedStep(ground);
  const questions = questionRows(ground);

  return (run: RunRow, { from, data, acceptedAt }: NewFork): void => {
    const runId = run.run_id as RunId;
    const shared = select.all(from.runId, from.number).map((row) => ({ row, version: readVersion(ground, row) }));
    const last = shared.at(-1)?.version;
    rows.change(run, { versions_head: forkStart({ ...from, hash: last?.hash ?? CHAIN_START }) });
    const lastRounds = new Map<string, number>();
    for (const { row, version } of shared) {
      const changed = version === last && data !== undefined;
      const kept: Pick<Sealed, "json" | "hash"> = { json: contents.hashed(row.content).text, hash: row.data_hash };
      const about = changed
        ? ({ source: "human", tier: undefined, at: acceptedAt } as const)
        : { source: version.source, tier: version.tier, at: version.at };
      append(rows.get(runId), { ...version, ...about, runId, inputHash: row.input_hash, data: changed ? data : kept });
      lastRounds.set(version.agent, Math.max(version.round, lastRounds.get(version.agent) ?? 0));
    }
    const byTiers = shared.some(({ version }) => version.tier !== undefined && !(version === last && data !== undefined));
    if (byTiers && rows.get(from.runId).degraded) rows.change(rows.get(runId), { degraded: 1 });
    const before = (agent: string, round: number) => round < (lastRounds.get(agent) ?? 0);
    for (const failed of selectFailed.all(from.runId)) if (before(failed.agent, failed.round)) appendFailed(rows.get(runId), failed);
    for (const question of questions.all(from.runId)) {
      const [, agent = "", round = ""] = /^(.+)#(\d+)$/.exec(question.id) ?? [];
      if (question.answer !== null && before(agent, Number(round))) questions.put(rows.get(runId), question);
    }
  };
}

function keyReused(idempotencyKey: string, runId: string): KeyReused {
  const message = `The idempotency key "${idempotencyKey}" belongs to run ${runId}, which was started with another input. Use a new key for it.`;
  return new KeyReused(message, { idempotencyKey, runId });
}
