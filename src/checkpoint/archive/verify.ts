import type { RunId } from "../../contracts/ids.js";
import { isTerminal } from "../../contracts/run.js";
import { CHAIN_START, entryHash, linkHash } from "../chain.js";
import { ONCE } from "../journal-view.js";
import type {
  ArchivedCheckpoint,
  ArchivedEntry,
  ArchivedQuestion,
  ArchivedRun,
  ArchivedValue,
  ArchivedVersion,
  ArchivedWrite,
  ArchiveHeader,
  ArchiveKind,
  ArchiveRecord,
  Held,
} from "./format.js";
import { mapsAfter, NO_MAPS, namedIn } from "./maps.js";
import { ValueReader } from "./values.js";

/** In this order they stand in a file; values stand anywhere before what refers to them. */
const ORDER: Readonly<Record<ArchiveKind, number | undefined>> = {
  value: undefined,
  run: 0,
  version: 1,
  "failed-step": 2,
  journal: 3,
  event: 4,
  question: 5,
  namespace: 6,
  checkpoint: 6,
  write: 6,
};

/** Looks at one record after the other: each by itself, against those before it, and at last the whole. Throws a `RangeError`. */
export class ArchiveVerifier {
  readonly #values = new ValueReader();
  /** The values so far, and those among them that nothing has referred to yet. */
  readonly #known = new Set<string>();
  readonly #unused = new Set<string>();
  /** What may be there once. */
  readonly #once = new Set<string>();
  #stage = 0;
  #run: ArchivedRun | undefined;
  #lastVersion: ArchivedVersion | undefined;
  #lastEntry: ArchivedEntry | undefined;
  #namespace: string | undefined;
  #maps = NO_MAPS;

  constructor(private readonly header: ArchiveHeader) {}

  add(record: ArchiveRecord): void {
    const stage = ORDER[record.kind] ?? this.#stage;
    must(stage >= this.#stage, "it stands in the wrong place");
    must(record.kind === "value" || record.kind === "run" || this.#run !== undefined, "what is known of the run must come first");
    this.#stage = stage;
    switch (record.kind) {
      case "value":
        return this.#value(record);
      case "run":
        return this.#facts(record);
      case "version":
        return this.#version(record);
      case "failed-step":
        return this.#unique("failed-step", record.agent, record.round);
      case "journal":
        return this.#entry(record);
      case "event":
        return;
      case "question":
        return this.#question(record);
      case "namespace":
        this.#unique("namespace", record.namespace);
        this.#namespace = record.namespace;
        this.#maps = NO_MAPS;
        return;
      case "checkpoint":
        return this.#checkpoint(record);
      case "write":
        return this.#write(record);
    }
  }

  finish(): void {
    const { outputVersion, forkedFrom } = this.#run ?? {};
    const last = this.#lastVersion?.number;
    must(last !== undefined, "it has no version of the run");
    must((outputVersion ?? 0) <= last, "the run's output is a version that is not there");
    must((forkedFrom?.number ?? 0) <= last, "the run shares more versions with another one than it has");
    must(this.#unused.size === 0, "it has a value that nothing refers to");
  }

  #value(value: ArchivedValue): void {
    this.#unique("value", value.hash);
    this.#values.read(value);
    this.#known.add(value.hash);
    this.#unused.add(value.hash);
  }

  #facts(run: ArchivedRun): void {
    this.#unique("run");
    this.#run = run;
    if (run.program !== undefined) this.#refer(run.program);
    const { status } = run;
    must((run.endedAt !== undefined) === isTerminal(status), `a run that is ${status} has another end`);
    must((run.outputVersion !== undefined) === (status === "completed"), `a run that is ${status} has another output`);
    must(run.failure !== undefined || (status !== "rolled-back" && status !== "canceled"), `a run that is ${status} says why`);
  }

  #version(version: ArchivedVersion): void {
    const { number, hash, previousHash, parents, dataHash } = version;
    const before = this.#lastVersion;
    must(number === (before?.number ?? -1) + 1, `version ${number} is not the next one`);
    must(
      parents.every((parent) => parent < number),
      `version ${number} was made from a later one`,
    );
    this.#unique("version", version.agent, version.round);
    this.#refer(dataHash);
    // The chain of a fork begins with a hash of the other run's; the hash of version 0 covers it.
    const isFork = this.#run?.forkedFrom !== undefined;
    const follows = before ? previousHash === before.hash : (previousHash === CHAIN_START) !== isFork;
    const link = { ...version, runId: this.header.runId as RunId, parents: JSON.stringify(parents) };
    must(follows && hash === linkHash(link), `the chain of versions does not hold at number ${number}`);
    this.#lastVersion = version;
  }

  #entry(entry: ArchivedEntry): void {
    const { place, hash, phase, key, epoch } = entry;
    must(place === (this.#lastEntry?.place ?? -1) + 1, `journal entry ${place} is not the next one`);
    must(epoch <= (this.#run?.epoch ?? 0), `journal entry ${place} is of an epoch that has not come`);
    if (ONCE.has(phase)) this.#unique("journal", key, phase);
    const written = { ...entry, runId: this.header.runId as RunId, body: JSON.stringify(entry.body) };
    must(hash === entryHash(written, this.#lastEntry?.hash ?? CHAIN_START), `the chain of the journal does not hold at entry ${place}`);
    this.#lastEntry = entry;
  }

  #question({ question, answer, answeredAt }: ArchivedQuestion): void {
    this.#unique("question", question.id);
    must((answer === undefined) === (answeredAt === undefined), `question ${question.id} is half answered`);
  }

  #checkpoint(checkpoint: ArchivedCheckpoint): void {
    const { id, channels } = checkpoint;
    this.#unique("checkpoint", this.#inNamespace(), id);
    this.#maps = mapsAfter(this.#maps, checkpoint);
    for (const channel of Object.values(namedIn(channels))) this.#hold(channel);
  }

  #write({ checkpoint, task, place, value }: ArchivedWrite): void {
    this.#unique("write", this.#inNamespace(), checkpoint, task, place);
    this.#hold(value);
  }

  #inNamespace(): string {
    must(this.#namespace !== undefined, "it belongs to no namespace");
    return this.#namespace;
  }

  #hold(held: Held): void {
    if ("ref" in held) this.#refer(held.ref);
  }

  #refer(hash: string): void {
    must(this.#known.has(hash), `the value ${hash} is missing`);
    this.#unused.delete(hash);
  }

  #unique(...what: readonly (string | number)[]): void {
    const name = JSON.stringify(what);
    must(!this.#once.has(name), "it is there twice");
    this.#once.add(name);
  }
}

function must(holds: boolean, otherwise: string): asserts holds {
  if (!holds) throw new RangeError(otherwise);
}
