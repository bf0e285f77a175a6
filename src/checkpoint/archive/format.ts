import * as z from "zod";
import { pointerOf } from "../../contracts/failure.js";
import type { JsonValue } from "../../contracts/json-value.js";
import type { RunStatus } from "../../contracts/run.js";
import type { JournalPhase, VersionSource } from "../ports.js";

/** What this release writes, and the newest it reads. */
export const ARCHIVE_FORMAT = 1;

const STATUSES = ["queued", "running", "waiting", "completed", "rolled-back", "parked", "canceled"] as const satisfies readonly RunStatus[];
const SOURCES = ["input", "agent", "fallback", "cache", "emergency", "human"] as const satisfies readonly VersionSource[];
const PHASES = [
  "recorded",
  "intended",
  "performed",
  "failed",
  "undo-intended",
  "undone",
  "undo-failed",
  "settled",
] as const satisfies readonly JournalPhase[];

const count = z.int().nonnegative();
const text = z.string().min(1);
const hash = z.string().regex(/^[0-9a-f]{64}$/, "is no SHA-256 in hexadecimal");
/** A JSON value that is kept as it was written. */
const json = z.custom<JsonValue>((value) => value !== undefined, "is missing");
const channelVersion = z.union([z.string(), z.number()]);
/** A value: its JSON in place, or the hash of a value that stands before it in the file. */
const held = z.union([z.strictObject({ json }), z.strictObject({ ref: hash })]);

/** A map as it is, or what is set and gone since the same map of the checkpoint before: set where it stood, or moved to the end. */
export type MapChange<T> =
  | { readonly all: Record<string, T> }
  | { readonly set: Record<string, T>; readonly gone?: string[] | undefined }
  | { readonly moved: Record<string, T>; readonly gone?: string[] | undefined };

/** A map of a checkpoint, see `MapChange`. The checkpoint before is the one before it in the file, in the same namespace. */
const changes = <Shape extends z.ZodType>(shape: Shape) =>
  z.union([
    z.strictObject({ all: z.record(z.string(), shape) }),
    z.strictObject({ set: z.record(z.string(), shape), gone: z.array(z.string()).optional() }),
    z.strictObject({ moved: z.record(z.string(), shape), gone: z.array(z.string()).optional() }),
  ]) satisfies z.ZodType<MapChange<z.infer<Shape>>>;

/** The first line. */
const Header = z.strictObject({
  walkback: z.literal("run"),
  format: z.literal(ARCHIVE_FORMAT),
  runId: text,
  workflow: text,
  workflowVersion: z.int(),
});

const Facts = z.strictObject({
  kind: z.literal("run"),
  status: z.enum(STATUSES),
  acceptedAt: z.string(),
  endedAt: z.string().optional(),
  failure: json.optional(),
  outputVersion: count.optional(),
  idempotencyKey: z.string().optional(),
  cancelReason: z.string().optional(),
  /** The value that says what the run was made with. */
  program: hash.optional(),
  forkedFrom: z.strictObject({ runId: text, number: count }).optional(),
  tenant: z.string().optional(),
  priority: z.int(),
  deadline: z.string().optional(),
  begunAt: z.string().optional(),
  degraded: z.literal(true).optional(),
  epoch: count,
  crashes: count,
  progress: count,
});

/**
 * A value under its hash, which is the SHA-256 of its JSON text, or of `bytes`, a zero byte and the bytes. One that is `like`
 * another of the last 64 values is the first `begin` bytes of that one, then `text`, then its last `end` bytes.
 */
const Value = z.union([
  z.strictObject({ kind: z.literal("value"), hash, json }),
  z.strictObject({ kind: z.literal("value"), hash, text: z.string() }),
  z.strictObject({ kind: z.literal("value"), hash, base64: z.string() }),
  z.strictObject({ kind: z.literal("value"), hash, like: hash, begin: count, end: count, text: z.string() }),
]);

const ArchivedVersion = z.strictObject({
  kind: z.literal("version"),
  number: count,
  agent: text,
  agentVersion: z.int(),
  contract: text,
  parents: z.array(count),
  round: count,
  source: z.enum(SOURCES),
  tier: z.string().optional(),
  inputHash: z.string(),
  /** Of the value that is its data. */
  dataHash: hash,
  previousHash: hash,
  hash,
  at: z.string(),
});

const FailedStep = z.strictObject({ kind: z.literal("failed-step"), agent: text, round: count, failure: json, at: z.string() });

const Entry = z.strictObject({
  kind: z.literal("journal"),
  place: count,
  key: text,
  phase: z.enum(PHASES),
  agent: z.string(),
  effect: z.string(),
  identity: z.string(),
  generation: count,
  body: json,
  epoch: count,
  at: z.string(),
  hash,
});

const Event = z.strictObject({
  kind: z.literal("event"),
  type: text,
  at: z.string(),
  body: z.record(z.string(), json),
});

const ArchivedQuestion = z.strictObject({
  kind: z.literal("question"),
  question: z.looseObject({ id: text, kind: text, agent: z.string(), allowed: z.array(z.string()) }),
  answer: z.looseObject({ decision: text }).optional(),
  answeredAt: z.string().optional(),
});

/** A namespace of the run's LangGraph thread; its checkpoints and writes follow. */
const Namespace = z.strictObject({ kind: z.literal("namespace"), namespace: z.string() });

const ArchivedCheckpoint = z.strictObject({
  kind: z.literal("checkpoint"),
  id: text,
  parent: text.optional(),
  v: z.number(),
  ts: z.string(),
  channelVersions: changes(channelVersion),
  versionsSeen: changes(z.record(z.string(), channelVersion)),
  channels: changes(held),
  metadata: json,
});

const Write = z.strictObject({
  kind: z.literal("write"),
  checkpoint: text,
  task: text,
  place: z.int(),
  channel: z.string(),
  value: held,
});

/** Every kind of line between the first and the last. */
const SHAPES = {
  run: Facts,
  value: Value,
  version: ArchivedVersion,
  "failed-step": FailedStep,
  journal: Entry,
  event: Event,
  question: ArchivedQuestion,
  namespace: Namespace,
  checkpoint: ArchivedCheckpoint,
  write: Write,
} as const;

export type ArchiveKind = keyof typeof SHAPES;
export type ArchiveHeader = z.infer<typeof Header>;
export type ArchivedRun = z.infer<typeof Facts>;
export type ArchivedValue = z.infer<typeof Value>;
export type ArchivedVersion = z.infer<typeof ArchivedVersion>;
export type ArchivedEntry = z.infer<typeof Entry>;
export type ArchivedQuestion = z.infer<typeof ArchivedQuestion>;
export type ArchivedCheckpoint = z.infer<typeof ArchivedCheckpoint>;
export type ArchivedWrite = z.infer<typeof Write>;
export type Held = z.infer<typeof held>;
export type ArchiveRecord = z.infer<(typeof SHAPES)[ArchiveKind]>;

/** What is wrong with a first line, or undefined. */
export function headerProblem(line: unknown): string | undefined {
  return problemOf(Header, line);
}

/** What is wrong with a line between the first and the last, or undefined. */
export function recordProblem(line: unknown): string | undefined {
  const kind: unknown = typeof line === "object" && line !== null && "kind" in line ? line.kind : undefined;
  const shape = Object.entries(SHAPES).find(([name]) => name === kind)?.[1];
  return shape ? problemOf(shape, line) : "it is of no kind that a run's file has";
}

function problemOf(shape: z.ZodType, line: unknown): string | undefined {
  const [issue] = shape.safeParse(line).error?.issues ?? [];
  return issue && `${pointerOf(issue.path) || "it"}: ${issue.message}`;
}
