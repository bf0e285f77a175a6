import type { EffectRecord } from "../checkpoint/journal-view.js";
import type { RunEvent } from "../contracts/event.js";
import type { Run } from "../contracts/run.js";
import type { Inspection } from "../observe/inspect.js";
import { effectText, eventText, fateText, undoneText } from "./event-text.js";
import { saidOnce } from "./inbox.js";
import { paint, paintRunStatus } from "./paint.js";
import { duration } from "./progress.js";
import { type Step, stepsOf, undoneInWalkBack, walkBackEvents } from "./steps.js";
import { type Branch, branch, drawTree } from "./tree.js";

export interface TreeOptions {
  /** Show each version's data. */
  readonly data: boolean;
}

/** A run for people: its head, each version with what its agent went through for it, and what was undone. */
export function inspectionText(inspection: Inspection, options: TreeOptions): string {
  const effects = new Map(inspection.effects.map((record) => [record.key, record]));
  const steps = stepsOf(inspection.versions, inspection.events);
  const width = Math.max(...steps.map(({ agent }) => agent.length));
  const branches = steps.map((step) => branch(stepText(step, width), [...details(step, effects), ...dataOf(step, options)]));
  return [...head(inspection), "", drawTree([...branches, ...walkBackBranch(inspection, effects)])].join("\n");
}

function head({ run, forkedFrom, events }: Inspection): string[] {
  const took = "durationMs" in run ? ` in ${duration(run.durationMs)}` : "";
  const holds = "the hash chain holds"; // or there would be nothing to show
  return [
    `${paint.bold(`Run ${run.runId}`)}  ${run.workflow.name}@${run.workflow.version}`,
    `${paintRunStatus(run)}${took}, accepted ${run.acceptedAt}, ${holds}`,
    ...(forkedFrom ? [`forked from ${forkedFrom.runId} at v${forkedFrom.number}`] : []),
    ...queueText(events),
    ...carriedOnText(events),
    ...("failure" in run ? [paint.red(`${run.failure.code}: ${run.failure.message}`)] : []),
    ...("questions" in run ? run.questions.map((question) => paint.cyan(`Open question ${question.id}: ${saidOnce(question)}`)) : []),
  ];
}

/** How it waited for its turn, if it had to. */
function queueText(events: readonly RunEvent[]): string[] {
  return events.flatMap((event) => (event.type === "run.queued" || event.type === "run.begun" ? (eventText(event, new Map()) ?? []) : []));
}

/** Each program that carried the run on and had not made it, once. */
function carriedOnText(events: readonly RunEvent[]): string[] {
  return [
    ...new Set(events.flatMap((event) => (event.type === "run.carried-on" ? [`carried on by ${event.workflow}@${event.version}`] : []))),
  ];
}

function stepText({ agent, version, events }: Step, width: number): string {
  const name = agent.padEnd(width);
  if (!version) return `${events.some(({ type }) => type === "agent.failed") ? paint.red("✗") : "·"}   ${name.trimEnd()}`;
  const { number, contract, parents, round, source, tier, hash } = version;
  const completed = events.find((event) => event.type === "agent.completed");
  return [
    `${paint.bold(`v${number}`)}  ${paint.bold(name)}  ${contract}`,
    ...(parents.length > 0 ? [`from ${parents.map((parent) => `v${parent}`).join(", ")}`] : []),
    ...(source === "agent" || source === "input" ? [] : [paint.yellow(`by ${source}`)]),
    ...(tier === undefined ? [] : [`tier ${tier}`]),
    ...(round > 0 ? [paint.yellow(`round ${round}`)] : []),
    ...(completed && source === "agent" ? [duration(completed.durationMs)] : []),
    paint.dim(`#${hash.slice(0, 8)}`),
  ].join("  ");
}

function details({ version, events, last, agent }: Step, effects: ReadonlyMap<string, EffectRecord>): Branch[] {
  const told = events.flatMap((event) => eventText(event, effects) ?? []);
  const silent = last ? unconfirmed(agent, effects, events) : [];
  const lines = [...told, ...silent];
  if (lines.length === 0 && !version) lines.push("started, not done");
  return lines.map((line) => branch(line));
}

/** Effects that were sent without an answer we know of; no event tells of them. */
function unconfirmed(agent: string, effects: ReadonlyMap<string, EffectRecord>, events: readonly RunEvent[]): string[] {
  const performed = new Set(events.flatMap((event) => (event.type === "effect.performed" ? [event.key] : [])));
  return [...effects.values()]
    .filter((record) => record.agent === agent && record.receipt === undefined && !performed.has(record.key))
    .map((record) => `tried ${effectText(record)}${fateText(record)}`);
}

function dataOf({ version }: Step, { data }: TreeOptions): Branch[] {
  return data && version ? [branch(paint.dim(JSON.stringify(version.data, null, 2)))] : [];
}

function walkBackBranch({ run, events }: Inspection, effects: ReadonlyMap<string, EffectRecord>): Branch[] {
  const story = walkBackEvents(events);
  if (!("undone" in run) && story.length === 0) return [];
  const undone = new Map(undoneInWalkBack("undone" in run ? run.undone : [], events).map((entry) => [entry.key, undoneText(entry)]));
  const happened = story.flatMap((event) => (event.type === "effect.undone" && undone.get(event.key)) || (eventText(event, effects) ?? []));
  const told = keysOf(story, "effect.undone");
  const quiet = [...undone].flatMap(([key, text]) => (told.has(key) ? [] : [text])); // a human settled it
  const lines = [...happened, ...quiet, ...standingText(run, keysOf(story, "effect.undo-failed"))];
  return [
    branch(
      paint.bold("walk-back"),
      (lines.length > 0 ? lines : ["there was nothing to undo"]).map((line) => branch(line)),
    ),
  ];
}

/** What a human must settle, with the reason unless the failed undo above has told it. */
function standingText(run: Run, told: ReadonlySet<string>): string[] {
  const remaining = "remaining" in run ? run.remaining : [];
  return remaining.map(({ key, agent, effect, identity, failure }) =>
    paint.red(`${effectText({ effect, identity })} of ${agent} still stands${told.has(key) ? "" : `: ${failure.message}`}`),
  );
}

function keysOf(events: readonly RunEvent[], type: "effect.undone" | "effect.undo-failed"): ReadonlySet<string> {
  return new Set(events.flatMap((event) => (event.type === type ? [event.key] : [])));
}
