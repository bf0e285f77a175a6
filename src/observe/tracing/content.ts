import { foldJournal } from "../../checkpoint/journal-view.js";
import type { Store, Version } from "../../checkpoint/ports.js";
import type { RunId } from "../../contracts/ids.js";
import type { JsonObject } from "../../contracts/json-value.js";
import { keyHash } from "./key-hash.js";
import type { Content } from "./langsmith-run.js";
import type { Span } from "./span.js";

export type ContentStore = Pick<Store, "versions" | "journal" | "runs">;

/** What a span is about, from the store: a run's input and output, an agent's, an effect's arguments and receipt. */
export async function contentOf(store: ContentStore, runId: RunId, span: Span): Promise<Content> {
  switch (span.kind) {
    case "run":
      return runContent(store, runId);
    case "agent":
      return agentContent(store, runId, span);
    case "effect":
      return effectContent(store, runId, span);
    case "tier":
    case "attempt":
    case "question":
      return {};
  }
}

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

async function effectContent({ journal }: ContentStore, runId: RunId, { attributes, endedAt }: Span): Promise<Content> {
  const records = [...foldJournal(await journal.list(runId)).values()];
  const record = records.find(({ key }) => keyHash(key) === attributes["keyHash"]);
  if (!record) return {};
  const { args, receipt } = record;
  return { inputs: { args }, outputs: endedAt === undefined || receipt === undefined ? undefined : { receipt } };
}

function documents(...versions: readonly (Version | undefined)[]): JsonObject {
  return Object.fromEntries(versions.flatMap((version) => (version ? [[version.contract, version.data]] : [])));
}
