import type { Database } from "better-sqlite3";
import { type Failure, RunExists, RunFinished, RunUnknown } from "../../contracts/failure.js";
import type { RunId } from "../../contracts/ids.js";
import type { Question } from "../../contracts/question.js";
import { isTerminal, type RunStatus } from "../../contracts/run.js";
import type { RunChange, RunLog, RunRecord } from "../ports.js";
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
  const insert = database.prepare(
    "INSERT INTO runs (run_id, workflow, workflow_version, status, accepted_at) VALUES (?, ?, ?, 'running', ?)",
  );
  const select = database.prepare<[string], Row>("SELECT * FROM runs WHERE run_id = ?");
  const selectMany = database.prepare<[string | null, string | null, number], Row>(
    "SELECT * FROM runs WHERE status = coalesce(?, status) AND workflow = coalesce(?, workflow) ORDER BY run_id DESC LIMIT ?",
  );
  const update = database.prepare(
    "UPDATE runs SET status = ?, ended_at = ?, failure = coalesce(?, failure), output_version = ? WHERE run_id = ?",
  );
  const insertQuestion = database.prepare("INSERT INTO questions (run_id, id, question) VALUES (?, ?, ?) ON CONFLICT DO NOTHING");
  const updateQuestion = database.prepare(
    "UPDATE questions SET answer = ?, answered_at = ? WHERE run_id = ? AND id = ? AND answer IS NULL",
  );
  const withdraw = database.prepare("UPDATE questions SET answer = ? WHERE run_id = ? AND answer IS NULL");
  const selectQuestions = database.prepare<[string], { question: string }>(
    "SELECT question FROM questions WHERE run_id = ? AND answer IS NULL ORDER BY id",
  );
  const append = insertVersion(database);

  const unfinished = (runId: RunId): Row => {
    const row = select.get(runId);
    if (!row) throw new RunUnknown(`There is no run ${runId} in this store.`, { runId });
    if (isTerminal(row.status)) throw new RunFinished(`Run ${runId} has already ended as ${row.status}.`, { runId, status: row.status });
    return row;
  };
  const set = (runId: RunId, change: RunChange) => {
    unfinished(runId);
    const endedAt = "endedAt" in change ? change.endedAt : null;
    const failure = "failure" in change ? JSON.stringify(change.failure) : null;
    const outputVersion = "outputVersion" in change ? change.outputVersion : null;
    update.run(change.status, endedAt, failure, outputVersion, runId);
  };

  return {
    accept: ({ runId, workflow, workflowVersion, acceptedAt, contract, input }) =>
      writer.write(() => {
        if (select.get(runId)) throw new RunExists(`Run ${runId} exists already. Choose another id, or resume it.`, { runId });
        insert.run(runId, workflow, workflowVersion, acceptedAt);
        return versionOf(
          append({
            runId,
            agent: "input",
            agentVersion: 0,
            contract,
            parents: [],
            round: 0,
            source: "input",
            inputHash: "",
            data: input,
            at: acceptedAt,
          }),
        );
      }),
    find: async (runId) => recordOf(select.get(runId)),
    list: async ({ status, workflow, limit = 50 }) =>
      selectMany.all(status ?? null, workflow ?? null, limit).map((row) => recordOf(row) as RunRecord),
    change: (runId, change) => writer.write(() => set(runId, change)),
    ask: (runId, question, failure) =>
      writer.write(() => {
        unfinished(runId);
        const { changes } = insertQuestion.run(runId, question.id, JSON.stringify(question));
        if (changes > 0)
          update.run(question.kind === "undo-failed" ? "parked" : "waiting", null, failure ? JSON.stringify(failure) : null, null, runId);
      }),
    answer: (runId, questionId, answer, answeredAt) =>
      writer.write(() => {
        unfinished(runId);
        updateQuestion.run(JSON.stringify(answer), answeredAt, runId, questionId);
        if (selectQuestions.all(runId).length === 0) set(runId, { status: "running" });
      }),
    withdrawQuestions: (runId) =>
      writer.write(() => {
        withdraw.run(JSON.stringify({ decision: "withdrawn" }), runId);
        set(runId, { status: "running" });
      }),
    openQuestions: async (runId) => selectQuestions.all(runId).map(({ question }) => JSON.parse(question) as Question),
  };
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
