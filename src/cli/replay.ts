import type { Failure } from "../contracts/failure.js";
import type { JsonValue } from "../contracts/json-value.js";
import type { Workflow } from "../graph/workflow.js";
import type { Inspection } from "../observe/inspect.js";
import type { Difference } from "../replay/difference.js";
import type { Replay } from "../replay/replay.js";
import { agentFiles } from "./agent-files.js";
import { withRun } from "./answer.js";
import { findRunId, openRecords } from "./house.js";
import { overrideOnFailure } from "./on-failure.js";
import { paint, paintStatus } from "./paint.js";
import { print } from "./print.js";
import { EXIT } from "./problem.js";
import type { Settings } from "./settings.js";

export interface ReplayCommandOptions {
  readonly from?: number;
  /** `NAME=FILE`: a module whose default export works in the agent's place. */
  readonly agent?: readonly string[];
  /** The workflow's package, when it is not in the catalog. */
  readonly workflow?: string;
}

/** Like diff: to find a difference is no error, but a script should notice. */
const EXIT_DIFFERS = 1;

/** Works a run again from its record, and shows the first thing that is different. */
export async function replayCommand(wanted: string, options: ReplayCommandOptions, settings: Settings): Promise<number> {
  const { run, versions } = await inspected(wanted, settings);
  const replay = await withRun(
    run,
    options,
    settings,
    async (orchestrator, runId) => {
      const agents = await agentFiles(options.agent ?? [], orchestrator.workflows);
      return orchestrator.replay(runId, { agents, ...(options.from === undefined ? {} : { from: options.from }) });
    },
    (workflow) => overrideOnFailure(workflow, waysOn(workflow, versions)),
  );
  print(settings.json ? JSON.stringify({ ...replay, differs: replay.differs ?? null }) : replayText(replay));
  return replay.differs ? EXIT_DIFFERS : EXIT.fine;
}

async function inspected(wanted: string, settings: Settings): Promise<Inspection> {
  await using records = openRecords(settings);
  return await records.inspect(await findRunId(records, wanted));
}

/** How the run went on without an agent, which `walkback run --on-failure` may have decided, is no part of its program. */
function waysOn({ agents }: Workflow, versions: Inspection["versions"]): string[] {
  return agents.flatMap(({ name, fallback }) => {
    const sources = versions.filter(({ agent, round }) => agent === name && round > 0).map(({ source }) => source);
    if (sources.includes("cache")) return [`${name}=cached`];
    return sources.includes("fallback") && fallback ? [`${name}=skip`] : [];
  });
}

export function replayText({ runId, from, worked, differs, status }: Replay): string {
  const rounds = worked === 1 ? "1 round was" : `${worked} rounds were`;
  const end = status.recorded === status.replayed ? "" : `, replayed ${paintStatus(status.replayed)}`;
  return [
    `${paint.bold(`Run ${runId}`)}  ${paintStatus(status.recorded)}${end}`,
    `v0 to v${from} as recorded, ${rounds} worked again`,
    ...(differs ? differenceText(differs) : [paint.green("Nothing differs.")]),
  ].join("\n");
}

function differenceText({ kind, version, agent, round, recorded, replayed, patch }: Difference): string[] {
  const number = version === undefined ? "" : `v${version} `;
  const where = `${number}${agent || "the run"}${round > 0 ? ` in round ${round}` : ""}`;
  return [
    paint.red(`The first difference: ${where} ${WORDS[kind]}`),
    ...(patch ?? []).map(
      (operation) => `  ${operation.op} ${operation.path || "the document"}${"value" in operation ? `: ${shown(operation.value)}` : ""}`,
    ),
    `  recorded  ${shown(recorded)}`,
    `  replayed  ${shown(replayed)}`,
  ];
}

const WORDS: Readonly<Record<Difference["kind"], string>> = {
  data: "answers otherwise",
  failure: "ends otherwise",
  missing: "is not worked again",
  extra: "is worked though it never was",
};

function shown(content: JsonValue | Failure | undefined): string {
  if (content === undefined) return "nothing";
  if (isFailure(content)) return `${content.code}: ${content.message}`;
  return JSON.stringify(content);
}

function isFailure(content: JsonValue | Failure): content is Failure {
  return typeof content === "object" && content !== null && "code" in content && "message" in content && "causes" in content;
}
