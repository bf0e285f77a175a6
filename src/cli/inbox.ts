import type { DecisionKind, Question } from "../contracts/question.js";
import type { Run } from "../contracts/run.js";
import { workflowNames } from "./catalog.js";
import { openRecords } from "./house.js";
import { paint, paintStatus } from "./paint.js";
import { print } from "./print.js";
import { EXIT } from "./problem.js";
import { commandLine, type Settings } from "./settings.js";

/** Shows every run that needs a human, what it asks, and the commands that answer. */
export async function inboxCommand(settings: Settings): Promise<number> {
  await using records = openRecords(settings);
  const asking = [...(await records.list({ status: "waiting", limit: MANY })), ...(await records.list({ status: "parked", limit: MANY }))];
  const runs = await Promise.all(asking.map(({ runId }) => records.get(runId)));
  const open = runs.flatMap((run) => ("questions" in run ? run.questions.map((question) => ({ run, question })) : []));
  if (settings.json) for (const { run, question } of open) print(JSON.stringify({ runId: run.runId, status: run.status, question }));
  else if (open.length === 0) print("Nobody is waiting for an answer.");
  else print(open.map(({ run, question }) => questionText(run, question, settings)).join("\n\n"));
  return EXIT.fine;
}

const MANY = 1_000_000;

export function questionText(run: Run, question: Question, settings: Settings): string {
  const named = "questions" in run && run.questions.length > 1 ? ["--question", question.id] : [];
  const from = workflowNames().includes(run.workflow.name) ? [] : ["--workflow", "path/of/its/module.js"];
  const answers = question.allowed.map((decision) =>
    commandLine(settings, "resume", run.runId, "--decision", decision, ...(EXTRAS[decision] ?? []), ...named, ...from),
  );
  return [
    `${paint.bold(`Run ${run.runId}`)}  ${run.workflow.name}@${run.workflow.version}  ${paintStatus(run.status)}  ${paint.dim(question.id)}`,
    ...saidOnce(question)
      .split("\n")
      .map((line) => `  ${line}`.trimEnd()),
    ...answers.map((answer) => paint.cyan(`  ${answer}`)),
  ].join("\n");
}

/** The description without the effects' names before reasons that begin with them. */
export function saidOnce({ description }: Question): string {
  return description.replace(/^- (".*" of .* \(.*\)): (?=\1)/gm, "- ");
}

/** What some answers must say besides. */
const EXTRAS: Readonly<Partial<Record<DecisionKind, readonly string[]>>> = {
  skip: ["--reason", "why it may be left out"],
  reject: ["--reason", "why it is rejected"],
  use: ["--output", "@answer.json"],
};
