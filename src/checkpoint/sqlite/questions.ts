import type { RunId } from "../../contracts/ids.js";
import type { Decision, Question } from "../../contracts/question.js";
import type { AnsweredQuestion } from "../ports.js";
import type { Ground } from "./ground.js";
import type { RunRow } from "./run-rows.js";
import { damaged, sumOf } from "./sums.js";

export interface QuestionRow {
  readonly run_id: string;
  readonly id: string;
  readonly question: string;
  readonly answer: string | null;
  readonly answered_at: string | null;
  readonly sum: number;
}

/** The statements behind what a run asks; transactions are the caller's. */
export function questionRows({ database, rows, path }: Pick<Ground, "database" | "rows" | "path">) {
  const select = database.prepare<[string], QuestionRow>("SELECT * FROM questions WHERE run_id = ? ORDER BY id");
  const selectInTurn = database.prepare<[string], QuestionRow>("SELECT * FROM questions WHERE run_id = ? ORDER BY rowid");
  const insert = database.prepare("INSERT INTO questions (run_id, id, question, answer, answered_at, sum) VALUES (?, ?, ?, ?, ?, ?)");
  const update = database.prepare("UPDATE questions SET answer = ?, answered_at = ?, sum = ? WHERE run_id = ? AND id = ?");
  const remove = database.prepare("DELETE FROM questions WHERE run_id = ? AND id = ?");

  const checked = (runId: string, found: QuestionRow[]): QuestionRow[] => {
    const holds = found.length === (rows.find(runId)?.questions ?? 0) && found.every((row) => row.sum === questionSum(row));
    if (holds) return found;
    throw damaged({ path, where: "questions", runId: runId as RunId }, "its questions are not what was written");
  };
  const all = (runId: string) => checked(runId, select.all(runId));
  const inTurn = (runId: string) => checked(runId, selectInTurn.all(runId));
  const put = (run: RunRow, row: Omit<QuestionRow, "sum" | "run_id">): void => {
    const columns = [run.run_id, row.id, row.question, row.answer, row.answered_at] as const;
    insert.run(...columns, sumOf(...columns));
    rows.count(run, "questions");
  };
  return {
    all,
    /** In the order in which they were asked. */
    inTurn,
    put,
    /** False when it was asked before. */
    ask(run: RunRow, question: Question): boolean {
      if (all(run.run_id).some(({ id }) => id === question.id)) return false;
      put(run, { id: question.id, question: JSON.stringify(question), answer: null, answered_at: null });
      return true;
    },
    /** Once a run walks back, nobody needs to know any more how it might have gone on. */
    withdrawOthers(run: RunRow, id: string): void {
      const others = all(run.run_id).filter((row) => row.id !== id && row.answer === null);
      for (const row of others) remove.run(run.run_id, row.id);
      rows.count(run, "questions", -others.length);
    },
    /** False when it is answered already or was never asked. */
    answer(runId: string, id: string, answer: Decision, at: string): boolean {
      const row = all(runId).find((each) => each.id === id && each.answer === null);
      if (!row) return false;
      const answered = { ...row, answer: JSON.stringify(answer), answered_at: at };
      update.run(answered.answer, at, questionSum(answered), runId, id);
      return true;
    },
    open: (runId: string): Question[] =>
      all(runId).flatMap(({ question, answer }) => (answer === null ? [JSON.parse(question) as Question] : [])),
    answered: (runId: string): AnsweredQuestion[] => inTurn(runId).flatMap(answeredOf),
  };
}

export function questionSum({ run_id, id, question, answer, answered_at }: Omit<QuestionRow, "sum">): number {
  return sumOf(run_id, id, question, answer, answered_at);
}

/** Written by `answer` above, from the same types. */
function answeredOf({ question, answer, answered_at }: QuestionRow): AnsweredQuestion[] {
  if (answer === null) return [];
  return [{ question: JSON.parse(question) as Question, answer: JSON.parse(answer) as Decision, answeredAt: answered_at ?? "" }];
}
