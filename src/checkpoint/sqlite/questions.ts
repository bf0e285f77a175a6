import type { Database } from "better-sqlite3";
import type { Decision, Question } from "../../contracts/question.js";
import type { AnsweredQuestion } from "../ports.js";

interface Row {
  readonly question: string;
  readonly answer: string | null;
  readonly answered_at: string | null;
}

/** The statements behind what a run asks; transactions are the caller's. */
export function questionRows(database: Database) {
  const insert = database.prepare("INSERT INTO questions (run_id, id, question) VALUES (?, ?, ?) ON CONFLICT DO NOTHING");
  const update = database.prepare("UPDATE questions SET answer = ?, answered_at = ? WHERE run_id = ? AND id = ? AND answer IS NULL");
  const withdraw = database.prepare("DELETE FROM questions WHERE run_id = ? AND id <> ? AND answer IS NULL");
  const selectOpen = database.prepare<[string], Row>("SELECT * FROM questions WHERE run_id = ? AND answer IS NULL ORDER BY id");
  const selectAnswered = database.prepare<[string], Row>(
    "SELECT * FROM questions WHERE run_id = ? AND answered_at IS NOT NULL ORDER BY rowid",
  );
  return {
    /** False when it was asked before. */
    insert: (runId: string, question: Question): boolean => insert.run(runId, question.id, JSON.stringify(question)).changes > 0,
    /** Once a run walks back, nobody needs to know any more how it might have gone on. */
    withdrawOthers: (runId: string, id: string): void => void withdraw.run(runId, id),
    /** False when it is answered already or was never asked. */
    answer: (runId: string, id: string, answer: Decision, at: string): boolean =>
      update.run(JSON.stringify(answer), at, runId, id).changes > 0,
    open: (runId: string): Question[] => selectOpen.all(runId).map(({ question }) => JSON.parse(question) as Question),
    answered: (runId: string): AnsweredQuestion[] => selectAnswered.all(runId).map(answeredOf),
  };
}

function answeredOf({ question, answer, answered_at }: Row): AnsweredQuestion {
  // Written by `answer` above, from the same types.
  return { question: JSON.parse(question) as Question, answer: JSON.parse(answer ?? "null") as Decision, answeredAt: answered_at ?? "" };
}
