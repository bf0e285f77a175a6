import { nameOf } from "../../contracts/documents.js";
import { type Failure, VersionUnknown } from "../../contracts/failure.js";
import type { RunId } from "../../contracts/ids.js";
import { deepFreeze, type Sealed } from "../../contracts/json.js";
import type { JsonValue } from "../../contracts/json-value.js";
import { CHAIN_START, type Link, linkHash } from "../chain.js";
import type { NewVersion, Version, VersionLog, VersionSource } from "../ports.js";
import type { Contents } from "./contents.js";
import type { Ground } from "./ground.js";
import type { RunRow } from "./run-rows.js";
import { damaged, type Place, sumOf } from "./sums.js";

export interface VersionRow {
  readonly run_id: string;
  readonly number: number;
  readonly agent: string;
  readonly agent_version: number;
  readonly contract: string;
  /** The contract's name, without its version. */
  readonly document: string;
  readonly parents: string;
  readonly round: number;
  readonly source: VersionSource;
  readonly tier: string | null;
  readonly input_hash: string;
  readonly content: number;
  readonly data_hash: string;
  readonly previous_hash: string;
  readonly hash: string;
  readonly at: string;
}

export interface FailedStepRow {
  readonly run_id: string;
  readonly agent: string;
  readonly round: number;
  readonly failure: string;
  readonly at: string;
  readonly sum: number;
}

export function versionLog(ground: Ground): VersionLog {
  const { database, writer, rows, contents, path } = ground;
  const selectStep = database.prepare<[string, string, number], VersionRow>(
    "SELECT * FROM versions WHERE run_id = ? AND agent = ? AND round = ?",
  );
  const selectFailure = database.prepare<[string, string, number], FailedStepRow>(
    "SELECT * FROM failed_steps WHERE run_id = ? AND agent = ? AND round = ?",
  );
  const countFailures = database.prepare<[string], number>("SELECT count(*) FROM failed_steps WHERE run_id = ?");
  const selectAll = database.prepare<[string], VersionRow>("SELECT * FROM versions WHERE run_id = ? ORDER BY number");
  const selectOne = database.prepare<[string, number], VersionRow>("SELECT * FROM versions WHERE run_id = ? AND number = ?");
  const selectDocuments = database.prepare<[string, number], Pick<VersionRow, "number" | "document" | "contract">>(
    // Named here, since a damaged schema may name them otherwise.
    "SELECT number AS number, document AS document, contract AS contract FROM versions WHERE run_id = ? AND number <= ? ORDER BY number",
  );
  const selectAnswers = database.prepare<[string, number, string, string, string], VersionRow>(
    `SELECT v.* FROM versions v JOIN runs r USING (run_id)
     WHERE v.agent = ? AND v.agent_version = ? AND v.input_hash = ? AND v.contract = ? AND r.workflow = ?
       AND v.source = 'agent' AND r.status = 'completed'
     ORDER BY v.rowid DESC LIMIT 10`,
  );
  const append = insertVersion(ground);
  const appendFailure = insertFailedStep(ground);
  const read = (row: VersionRow): Version => readVersion(ground, row);

  const failureOf = (runId: RunId, agent: string, round: number): Failure | undefined => {
    if (rows.find(runId)?.failed_steps === 0) return undefined;
    const failed = selectFailure.get(runId, agent, round);
    if (!failed) {
      if ((rows.find(runId)?.failed_steps ?? 0) === countFailures.pluck().get(runId)) return undefined;
      throw damaged({ path, where: "failed_steps", runId }, "one of what failed is missing");
    }
    if (failed.sum !== sumOf(runId, agent, round, failed.failure, failed.at))
      throw damaged({ path, where: "failed_steps", runId }, `what failed in round ${round} of ${agent} is not what was written`);
    return JSON.parse(failed.failure) as Failure;
  };
  /** All of a run's rows, their chain recomputed. */
  const chainOf = (runId: RunId): VersionRow[] => {
    const run = rows.find(runId);
    const found = selectAll.all(runId);
    const broken = run ? firstBrokenLink(run, found) : found.length > 0 ? 0 : undefined;
    if (broken === undefined) return found;
    throw damaged({ path, where: "versions", runId, version: broken }, `the chain of versions does not hold at number ${broken}`);
  };
  const stateAt = (runId: RunId, number: number, contract: string | undefined): Version[] => {
    const { versions } = rows.get(runId);
    if (!Number.isSafeInteger(number) || number < 0 || number >= versions) throw versionUnknown(runId, number, versions - 1);
    // All are looked at: an index alone could lead past the newest without anybody noticing.
    const found = selectDocuments.all(runId, number);
    const broken = found.findIndex((row, index) => row.number !== index || row.document !== nameOf(row.contract));
    if (broken >= 0 || found.length !== number + 1)
      throw damaged({ path, where: "versions", runId }, `the versions up to ${number} are not what was written`);
    const newest = new Map(found.map((row) => [row.document, row.number]));
    const wanted = contract === undefined ? [...newest.values()] : [newest.get(contract) ?? []].flat();
    return wanted
      .sort((a, b) => a - b)
      .flatMap((each) => selectOne.get(runId, each) ?? [])
      .map(read);
  };

  return {
    append: (version) =>
      writer.write(() => {
        const run = rows.held(version, { unended: true });
        const known = selectStep.get(version.runId, version.agent, version.round);
        if (known) return read(known);
        const appended = append(run, version);
        if (version.degraded) rows.change(rows.get(version.runId), { degraded: 1 });
        return versionOf(appended, version.data.data);
      }),
    appendFailure: ({ runId, epoch, agent, round, failure, at }) =>
      writer.write(() => {
        const run = rows.held({ runId, epoch }, { unended: true });
        if (!selectFailure.get(runId, agent, round)) appendFailure(run, { agent, round, failure: JSON.stringify(failure), at });
      }),
    async outcome(runId, agent, round) {
      const row = selectStep.get(runId, agent, round);
      if (row) return { kind: "version", version: read(row) };
      const failure = failureOf(runId, agent, round);
      return failure && { kind: "failure", failure };
    },
    list: async (runId) => chainOf(runId).map((row) => ({ ...headOf(row), data: dataOf(contents, row, placeOf(path, row)) })),
    heads: async (runId) =>
      chainOf(runId).map(({ number, agent, contract, parents, tier, hash }) => ({
        number,
        agent,
        contract,
        parents: JSON.parse(parents) as number[],
        ...(tier === null ? {} : { tier }),
        hash,
      })),
    async find(runId, number) {
      const row = selectOne.get(runId, number);
      return row && read(row);
    },
    stateAt: async (runId, number, contract) => stateAt(runId, number, contract),
    count: async (runId) => rows.get(runId).versions,
    findAnswers: async ({ workflow, agent, agentVersion, contract, inputHash }) =>
      selectAnswers.all(agent, agentVersion, inputHash, contract, workflow).map(read),
  };
}

/** Appends to the run's chain; inside a transaction. */
export function insertVersion({ database, rows, contents }: Pick<Ground, "database" | "rows" | "contents">) {
  const insert = database.prepare(
    `INSERT INTO versions (run_id, number, agent, agent_version, contract, document, parents, round, source, tier, input_hash, content, data_hash, previous_hash, hash, at)
     VALUES (@run_id, @number, @agent, @agent_version, @contract, @document, @parents, @round, @source, @tier, @input_hash, @content, @data_hash, @previous_hash, @hash, @at)`,
  );
  const newest = database.prepare<[string, string], number>(
    "SELECT content FROM versions WHERE run_id = ? AND document = ? ORDER BY number DESC LIMIT 1",
  );
  return (run: RunRow, version: Omit<NewVersion, "epoch" | "data"> & { readonly data: Pick<Sealed, "json" | "hash"> }): VersionRow => {
    const { runId, data, parents, degraded: _, ...rest } = version;
    const link: Link = {
      ...rest,
      runId,
      parents: JSON.stringify(parents),
      number: run.versions,
      dataHash: data.hash,
      previousHash: run.versions_head,
    };
    const document = nameOf(version.contract);
    const before = run.versions === 0 ? undefined : (newest.pluck().get(runId, document) as number | undefined);
    const content = contents.put({ type: "json", bytes: Buffer.from(data.json), hash: data.hash }, { before });
    const row = rowOf(link, document, content);
    insert.run(row);
    rows.change(run, { versions: run.versions + 1, versions_head: row.hash });
    return row;
  };
}

/** Inside a transaction. */
export function insertFailedStep({ database, rows }: Pick<Ground, "database" | "rows">) {
  const insert = database.prepare("INSERT INTO failed_steps (run_id, agent, round, failure, at, sum) VALUES (?, ?, ?, ?, ?, ?)");
  return (run: RunRow, step: { readonly agent: string; readonly round: number; readonly failure: string; readonly at: string }): void => {
    const columns = [run.run_id, step.agent, step.round, step.failure, step.at] as const;
    insert.run(...columns, sumOf(...columns));
    rows.count(run, "failed_steps");
  };
}

function rowOf(link: Link, document: string, content: number): VersionRow {
  const { runId, number, agent, agentVersion, contract, parents, round, source, tier, inputHash, dataHash, previousHash, at } = link;
  const head = {
    run_id: runId,
    number,
    agent,
    agent_version: agentVersion,
    contract,
    document,
    parents,
    round,
    source,
    tier: tier ?? null,
  };
  return { ...head, input_hash: inputHash, content, data_hash: dataHash, previous_hash: previousHash, hash: linkHash(link), at };
}

function linkOf(row: VersionRow): Link {
  const { number, agent, agent_version, contract, parents, round, source, input_hash, data_hash, previous_hash, at } = row;
  const tier = row.tier ?? undefined;
  const head = { runId: row.run_id as RunId, number, agent, agentVersion: agent_version, contract, parents, round, source, tier };
  return { ...head, inputHash: input_hash, dataHash: data_hash, previousHash: previous_hash, at };
}

/** The place of the first failed step that is not what was written, or 0 when one is missing. */
export function firstBrokenFailure(run: Pick<RunRow, "failed_steps">, found: readonly FailedStepRow[]): number | undefined {
  const broken = found.findIndex(({ run_id, agent, round, failure, at, sum }) => sum !== sumOf(run_id, agent, round, failure, at));
  return broken >= 0 || found.length !== run.failed_steps ? Math.max(broken, 0) : undefined;
}

/** The number of the first version whose place or link does not hold, or at which one is missing. */
export function firstBrokenLink(run: Pick<RunRow, "versions" | "versions_head">, found: readonly VersionRow[]): number | undefined {
  let previous = found[0]?.previous_hash ?? CHAIN_START; // of a fork it is bound to another run; the hash below covers it
  for (const [index, row] of found.entries()) {
    const holds = row.number === index && row.previous_hash === previous && holdsAlone(row);
    if (!holds) return index;
    previous = row.hash;
  }
  if (found.length < run.versions) return found.length;
  return previous === run.versions_head && found.length === run.versions ? undefined : Math.max(0, run.versions - 1);
}

/** Whether a version's row is what its hash says. */
function holdsAlone(row: VersionRow): boolean {
  return row.hash === linkHash(linkOf(row)) && row.document === nameOf(row.contract);
}

/** A version just appended. */
export function versionOf(row: VersionRow, data: JsonValue): Version {
  return { ...headOf(row), data };
}

/** A version with its data, both hashed again. Throws `STORE_DAMAGED`. */
export function readVersion({ path, contents }: Pick<Ground, "path" | "contents">, row: VersionRow): Version {
  const place = placeOf(path, row);
  if (!holdsAlone(row)) throw damaged(place, `version ${row.number} is not what was written`);
  return { ...headOf(row), data: dataOf(contents, row, place) };
}

function placeOf(path: string, row: VersionRow): Place {
  return { path, where: "versions", runId: row.run_id as RunId, version: row.number };
}

function dataOf(contents: Contents, { content, data_hash, number }: VersionRow, place: Place): JsonValue {
  const { hash, text } = contents.hashed(content);
  if (hash !== data_hash) throw damaged(place, `the data of version ${number} is not what was written`);
  return deepFreeze(JSON.parse(text) as JsonValue);
}

function headOf(row: VersionRow) {
  return {
    number: row.number,
    agent: row.agent,
    agentVersion: row.agent_version,
    contract: row.contract,
    parents: JSON.parse(row.parents) as number[],
    round: row.round,
    source: row.source,
    tier: row.tier ?? undefined,
    dataHash: row.data_hash,
    previousHash: row.previous_hash,
    hash: row.hash,
    at: row.at,
  };
}

export function versionUnknown(runId: RunId, number: number, last: number): VersionUnknown {
  const message = `Run ${runId} has no version ${number}; its versions are 0 to ${last}.`;
  return new VersionUnknown(message, { runId, number, last });
}
