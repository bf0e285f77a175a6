import { foldJournal } from "../../checkpoint/journal-view.js";
import type { Store, Version } from "../../checkpoint/ports.js";
import type { RunId } from "../../contracts/ids.js";
import type { JsonObject } from "../../contracts/json-value.js";
import { keyHash } from "./key-hash.js";
import type { Content } from "./langsmith-run.js";
import type { Span } from "./span.js";

export type ContentStore = Pick<Store, "versions" | "journal" | "runs">;

/** What spans of a run are about, from the store as it is now: a run's input and output, an agent's, an effect's arguments and receipt. */
export function contentsOf(store: ContentStore, runId: RunId): (span: Span) => Promise<Content> {
  let journal: Promise<Effects> | undefined; // read once for all effects, and only when there are some
  return async (span) => {
    switch (span.kind) {
      case "run":
        return runContent(store, runId);
      case "agent":
        return agentContent(store, runId, span);
      case "effect":
        journal ??= store.journal.list(runId).then(foldJournal);
        return effectContent(await journal, span);
      case "tier":
      case "attempt":
      case "question":
        return {};
    }
  };
}

type Effects = ReturnType<typeof foldJournal>;

async function runContent({ versions, runs }: ContentStore, runId: RunId): Promise<Content> {
  const output = (await runs.find(runId))?.outputVersion;
  return {
    inputs: documents(await versions.find(runId, 0)),
    outputs: output === undefined ? undefined : documents(await versions.find(runId, output)),
  };
}

async function agentContent({ versions }: ContentStore, runId: RunId, { attributes }: Span): Promise<Content> {
  const number = attributes["version"];
  const version = typeof number === "number" ? await versions.find(runId, number) : undefined;
  if (!version) return {};
  const parents = await Promise.all(version.parents.map((parent) => versions.find(runId, parent)));
  return { inputs: documents(...parents), outputs: documents(version) };
}

function effectContent(effects: Effects, { attributes, endedAt }: Span): Content {
  const record = [...effects.values()].find(({ key }) => keyHash(key) === attributes["keyHash"]);
  if (!record) return {};
  const { args, receipt } = record;
  return { inputs: { args }, outputs: endedAt === undefined || receipt === undefined ? undefined : { receipt } };
}

function documents(...versions: readonly (Version | undefined)[]): JsonObject {
  return Object.fromEntries(versions.flatMap((version) => (version ? [[version.contract, version.data]] : [])));
}
