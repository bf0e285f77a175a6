import { crashPoint } from "../../contracts/crash-point.js";
import { type Failure, RunFinished } from "../../contracts/failure.js";
import type { RunId } from "../../contracts/ids.js";
import type { Program } from "../../contracts/program.js";
import { isTerminal } from "../../contracts/run.js";
import type { ForkPoint, RunChange, RunLog, RunQuery, RunRecord } from "../ports.js";
import { acceptance } from "./acceptance.js";
import type { Ground } from "./ground.js";
import { leases } from "./leases.js";
import { pagesOf } from "./pages.js";
import { questionRows } from "./questions.js";
import type { RunRow } from "./run-rows.js";
import { damaged } from "./sums.js";

export function runLog(ground: Ground): RunLog {
  const { writer, rows, contents } = ground;
  const questions = questionRows(ground);
  const { accept, fork } = acceptance(ground);
  const unended = (runId: RunId): RunRow => {
    const row = rows.get(runId);
    if (!isTerminal(row.status)) return row;
    throw new RunFinished(`Run ${runId} has already ended as ${row.status}.`, { runId, status: row.status });
  };

  return {
    ...leases(ground),
    ...queries(ground),
    async accept(run) {
      crashPoint("run.accepted:before");
      const accepted = await writer.write(() => accept(run));
      crashPoint("run.accepted:after");
      return accepted;
    },
    fork: (wanted) => writer.write(() => fork(wanted)),
    async programOf(runId) {
      const { program } = rows.get(runId);
      return program === null ? undefined : (JSON.parse(contents.hashed(program).text) as Program);
    },
    find: async (runId) => recordOf(rows.find(runId)),
    change: (claim, change) =>
      writer.write(() => {
        unended(claim.runId);
        rows.change(rows.held(claim, { unended: true }), factsOf(change));
      }),
    async ask(claim, question, failure) {
      const asked = await writer.write(() => {
        unended(claim.runId);
        rows.held(claim, { unended: true });
        if (question.kind === "undo-failed") questions.withdrawOthers(rows.get(claim.runId), question.id);
        if (!questions.ask(rows.get(claim.runId), question)) return false;
        const waits = question.kind === "agent-failed" || question.kind === "approval";
        rows.change(rows.get(claim.runId), factsOf({ status: waits ? "waiting" : "parked", failure }));
        return true;
      });
      crashPoint("run.asked:after");
      return asked;
    },
    async answer(runId, questionId, answer, answeredAt) {
      const changed = await writer.write(() => {
        unended(runId);
        const first = questions.answer(runId, questionId, answer, answeredAt);
        if (first && questions.open(runId).length === 0) rows.change(rows.get(runId), factsOf({ status: "running" }));
        return first;
      });
      crashPoint("run.answered:after");
      return changed;
    },
    answered: async (runId) => questions.answered(runId),
    openQuestions: async (runId) => questions.open(runId),
  };
}

/** Every row that an index led to is checked, and asked again whether it is what was looked for. */
function queries(ground: Ground): Pick<RunLog, "list" | "since" | "findLike" | "claimable"> {
  const { database, rows, path } = ground;
  const where = (conditions: readonly string[]) => (conditions.length > 0 ? `WHERE ${conditions.join(" AND ")}` : "");
  const newest = (conditions: readonly string[]) =>
    database.prepare<(string | number)[], RunRow>(`SELECT * FROM runs ${where(conditions)} ORDER BY rowid DESC LIMIT ?`);
  const lists = {
    all: newest([]),
    status: newest(["status = ?"]),
    workflow: newest(["workflow = ?"]),
    both: newest(["status = ?", "workflow = ?"]),
  };
  const selectClaimable = database.prepare<[string, number], RunRow>(
    // A canceled run waits for nobody, but for who settles what its walk-back could not undo.
    `SELECT * FROM runs WHERE (status = 'running' OR (status IN ('waiting', 'parked') AND cancel_reason IS NOT NULL AND NOT EXISTS (
         SELECT 1 FROM questions WHERE run_id = runs.run_id AND answer IS NULL AND json_extract(question, '$.kind') = 'undo-failed')))
       AND (holder IS NULL OR lease_until <= ?) ORDER BY rowid LIMIT ?`,
  );
  const selectHead = database.prepare<[string, string, number], RunRow>("SELECT * FROM runs WHERE run_id >= ? AND run_id < ? LIMIT ?");
  const selectTail = database.prepare<[string, number], RunRow>("SELECT * FROM runs WHERE substr(run_id, -8) = ? LIMIT ?");
  const selectEnd = database.prepare<[string, number], RunRow>("SELECT * FROM runs WHERE substr(run_id, -8) LIKE '%' || ? LIMIT ?");

  const select = ({ status, workflow, limit = 50 }: RunQuery): RunRow[] => {
    if (status !== undefined && workflow !== undefined) return lists.both.all(status, workflow, limit);
    if (status !== undefined) return lists.status.all(status, limit);
    return workflow === undefined ? lists.all.all(limit) : lists.workflow.all(workflow, limit);
  };
  const asked = ({ status, workflow }: RunQuery, found: readonly RunRow[]): readonly RunRow[] => {
    const known = new Set(found.map(({ run_id }) => run_id));
    const holds = found.every((row) => row.status === (status ?? row.status) && row.workflow === (workflow ?? row.workflow));
    if (holds && known.size === found.length) return found;
    throw damaged({ path, where: "runs" }, "an index leads to other runs than those that were asked for");
  };
  const since = pagesOf<RunRow>(ground, "runs", "accepted_at >= ?");
  const records = (found: readonly RunRow[]) => found.flatMap((row) => recordOf(rows.checked(row)) ?? []);
  return {
    list: async (query) => records(asked(query, select(query))),
    async *since(at) {
      for await (const row of since(at)) yield* records([row]);
    },
    claimable: async (now, limit) => records(selectClaimable.all(now, limit)),
    async findLike(part, limit) {
      const escaped = part.replaceAll(/[^0-9a-zA-Z-]/g, "");
      if (escaped === "" || escaped !== part) return [];
      const ends = part.length < 8 ? selectEnd.all(part, limit) : selectTail.all(part.slice(-8), limit);
      const found = records([...selectHead.all(part, `${part}\uffff`, limit), ...ends]);
      const like = found.filter(({ runId }) => runId.startsWith(part) || runId.endsWith(part));
      return [...new Map(like.map((record) => [record.runId, record])).values()].slice(0, limit);
    },
  };
}

/** What a change makes of the facts of a row. */
export function factsOf(change: RunChange) {
  const { status } = change;
  const forgets = status === "running" || status === "completed";
  const failure = "failure" in change && change.failure ? { failure: JSON.stringify(change.failure) } : {};
  return {
    status,
    ended_at: "endedAt" in change ? change.endedAt : null,
    ...(forgets ? { failure: null } : failure),
    output_version: "outputVersion" in change ? change.outputVersion : null,
    ...("endedAt" in change ? { holder: null, lease_until: null } : {}), // nobody carries what has ended
  };
}

function recordOf(row: RunRow | undefined): RunRecord | undefined {
  return row && recordOfRow(row);
}

export function recordOfRow(row: RunRow): RunRecord {
  return {
    runId: row.run_id as RunId,
    workflow: row.workflow,
    workflowVersion: row.workflow_version,
    status: row.status,
    acceptedAt: row.accepted_at,
    endedAt: row.ended_at ?? undefined,
    failure: row.failure === null ? undefined : (JSON.parse(row.failure) as Failure),
    outputVersion: row.output_version ?? undefined,
    forkedFrom: row.forked_from === null ? undefined : (JSON.parse(row.forked_from) as ForkPoint),
    tenant: row.tenant ?? undefined,
    priority: row.priority,
    deadline: row.deadline ?? undefined,
    begunAt: row.begun_at ?? (row.queue_place === null ? row.accepted_at : undefined),
    degraded: row.degraded === 1,
  };
}
