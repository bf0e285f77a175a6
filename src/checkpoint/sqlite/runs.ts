import type { Database } from "better-sqlite3";
import { crashPoint } from "../../contracts/crash-point.js";
import { type Failure, KeyReused, RunExists, RunFinished, RunUnknown } from "../../contracts/failure.js";
import type { RunId } from "../../contracts/ids.js";
import { isTerminal, type RunStatus } from "../../contracts/run.js";
import type { Accepted, NewRun, RunChange, RunLog, RunRecord } from "../ports.js";
import { fenceOf } from "./fence.js";
import { leases } from "./leases.js";
import { questionRows } from "./questions.js";
import { insertVersion, versionOf } from "./versions.js";
import type { Writer } from "./writer.js";

interface Row {
  readonly run_id: string;
  readonly workflow: string;
  readonly workflow_version: number;
  readonly status: RunStatus;
  readonly accepted_at: string;
  readonly ended_at: string | null;
  readonly failure: string | null;
  readonly output_version: number | null;
}

export function runLog(database: Database, writer: Writer): RunLog {
  const select = database.prepare<[string], Row>("SELECT * FROM runs WHERE run_id = ?");
  const selectMany = database.prepare<[string | null, string | null, number], Row>(
    "SELECT * FROM runs WHERE status = coalesce(?, status) AND workflow = coalesce(?, workflow) ORDER BY rowid DESC LIMIT ?",
  );
  const selectClaimable = database.prepare<[string, number], Row>(
    // A canceled run waits for nobody, but for who settles what its walk-back could not undo.
    `SELECT * FROM runs WHERE (status = 'running' OR (status IN ('waiting', 'parked') AND cancel_reason IS NOT NULL AND NOT EXISTS (
         SELECT 1 FROM questions WHERE run_id = runs.run_id AND answer IS NULL AND json_extract(question, '$.kind') = 'undo-failed')))
       AND (holder IS NULL OR lease_until <= ?) ORDER BY rowid LIMIT ?`,
  );
  const update = database.prepare(
    `UPDATE runs SET status = @status, ended_at = @endedAt, failure = iif(@status IN ('running', 'completed'), NULL, coalesce(@failure, failure)), output_version = @outputVersion,
       holder = iif(@endedAt IS NULL, holder, NULL) WHERE run_id = @runId`,
  );
  const questions = questionRows(database);
  const fence = fenceOf(database);
  const accept = acceptance(database);

  const refuseEnded = (runId: RunId) => {
    const row = select.get(runId);
    if (!row) throw new RunUnknown(`There is no run ${runId} in this store.`, { runId });
    if (isTerminal(row.status)) throw new RunFinished(`Run ${runId} has already ended as ${row.status}.`, { runId, status: row.status });
  };
  const set = (runId: RunId, change: RunChange) => {
    update.run({
      runId,
      status: change.status,
      endedAt: "endedAt" in change ? change.endedAt : null,
      failure: "failure" in change && change.failure ? JSON.stringify(change.failure) : null,
      outputVersion: "outputVersion" in change ? change.outputVersion : null,
    });
  };

  return {
    ...leases(database, writer),
    async accept(run) {
      crashPoint("run.accepted:before");
      const accepted = await writer.write(() => accept(run));
      crashPoint("run.accepted:after");
      return accepted;
    },
    find: async (runId) => recordOf(select.get(runId)),
    list: async ({ status, workflow, limit = 50 }) =>
      selectMany.all(status ?? null, workflow ?? null, limit).flatMap((row) => recordOf(row) ?? []),
    claimable: async (now, limit) => selectClaimable.all(now, limit).flatMap((row) => recordOf(row) ?? []),
    change: (claim, change) =>
      writer.write(() => {
        refuseEnded(claim.runId);
        fence(claim);
        set(claim.runId, change);
      }),
    async ask(claim, question, failure) {
      const asked = await writer.write(() => {
        refuseEnded(claim.runId);
        fence(claim);
        if (question.kind === "undo-failed") questions.withdrawOthers(claim.runId, question.id);
        if (!questions.insert(claim.runId, question)) return false;
        const waits = question.kind === "agent-failed" || question.kind === "approval";
        set(claim.runId, { status: waits ? "waiting" : "parked", failure });
        return true;
      });
      crashPoint("run.asked:after");
      return asked;
    },
    async answer(runId, questionId, answer, answeredAt) {
      const changed = await writer.write(() => {
        refuseEnded(runId);
        const first = questions.answer(runId, questionId, answer, answeredAt);
        if (first && questions.open(runId).length === 0) set(runId, { status: "running" });
        return first;
      });
      crashPoint("run.answered:after");
      return changed;
    },
    answered: async (runId) => questions.answered(runId),
    openQuestions: async (runId) => questions.open(runId),
  };
}

function acceptance(database: Database): (run: NewRun) => Accepted {
  const selectByKey = database.prepare<[string], { run_id: string; workflow: string; data_hash: string }>(
    "SELECT run_id, workflow, data_hash FROM runs JOIN versions USING (run_id) WHERE idempotency_key = ? AND number = 0",
  );
  const exists = database.prepare<[string]>("SELECT 1 FROM runs WHERE run_id = ?");
  const insert = database.prepare(
    `INSERT INTO runs (run_id, workflow, workflow_version, status, accepted_at, idempotency_key, epoch, holder, lease_until, progress)
     VALUES (@runId, @workflow, @workflowVersion, 'running', @acceptedAt, @idempotencyKey, 1, @holder, @until, 1)`,
  );
  const append = insertVersion(database);
  return ({ contract, input, idempotencyKey, ...run }) => {
    const { runId, until, acceptedAt } = run;
    const known = idempotencyKey === undefined ? undefined : selectByKey.get(idempotencyKey);
    if (known && idempotencyKey !== undefined) {
      if (known.data_hash !== input.hash || known.workflow !== run.workflow) throw keyReused(idempotencyKey, known.run_id);
      return { kind: "known", runId: known.run_id as RunId };
    }
    if (exists.get(runId)) throw new RunExists(`Run ${runId} exists already. Choose another id, or resume it.`, { runId });
    insert.run({ ...run, idempotencyKey: idempotencyKey ?? null });
    const first = { runId, agent: "input", agentVersion: 0, contract, parents: [], round: 0, source: "input", inputHash: "" } as const;
    const version = versionOf(append({ ...first, data: input, at: acceptedAt }));
    return { kind: "accepted", version, lease: { runId, epoch: 1, until, crashes: 0, cancelReason: undefined } };
  };
}

function keyReused(idempotencyKey: string, runId: string): KeyReused {
  const message = `The idempotency key "${idempotencyKey}" belongs to run ${runId}, which was started with another input. Use a new key for it.`;
  return new KeyReused(message, { idempotencyKey, runId });
}

function recordOf(row: Row | undefined): RunRecord | undefined {
  if (!row) return undefined;
  return {
    runId: row.run_id as RunId,
    workflow: row.workflow,
    workflowVersion: row.workflow_version,
    status: row.status,
    acceptedAt: row.accepted_at,
    endedAt: row.ended_at ?? undefined,
    failure: row.failure === null ? undefined : (JSON.parse(row.failure) as Failure),
    outputVersion: row.output_version ?? undefined,
  };
}
