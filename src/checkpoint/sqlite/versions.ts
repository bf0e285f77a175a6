import type { Database } from "better-sqlite3";
import type { Failure } from "../../contracts/failure.js";
import type { RunId } from "../../contracts/ids.js";
import { deepFreeze } from "../../contracts/json.js";
import type { JsonValue } from "../../contracts/json-value.js";
import { CHAIN_START, firstBrokenLink, type Link, linkHash } from "../chain.js";
import type { NewVersion, Version, VersionLog, VersionSource } from "../ports.js";
import { fenceOf } from "./fence.js";
import type { Writer } from "./writer.js";

interface Row {
  readonly number: number;
  readonly agent: string;
  readonly agent_version: number;
  readonly contract: string;
  readonly parents: string;
  readonly round: number;
  readonly source: VersionSource;
  readonly input_hash: string;
  readonly data: string;
  readonly data_hash: string;
  readonly previous_hash: string;
  readonly hash: string;
  readonly at: string;
}

export function versionLog(database: Database, writer: Writer): VersionLog {
  const selectStep = database.prepare<[string, string, number], Row>("SELECT * FROM versions WHERE run_id = ? AND agent = ? AND round = ?");
  const selectFailure = database.prepare<[string, string, number], { failure: string }>(
    "SELECT failure FROM failed_steps WHERE run_id = ? AND agent = ? AND round = ?",
  );
  const insertFailure = database.prepare(
    "INSERT INTO failed_steps (run_id, agent, round, failure, at) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
  );
  const selectAll = database.prepare<[string], Row>("SELECT * FROM versions WHERE run_id = ? ORDER BY number");
  const selectOne = database.prepare<[string, number], Row>("SELECT * FROM versions WHERE run_id = ? AND number = ?");
  const selectAnswers = database.prepare<[string, number, string, string, string], Row>(
    `SELECT v.* FROM versions v JOIN runs r USING (run_id)
     WHERE v.agent = ? AND v.agent_version = ? AND v.input_hash = ? AND v.contract = ? AND r.workflow = ?
       AND v.source = 'agent' AND r.status = 'completed'
     ORDER BY v.rowid DESC LIMIT 10`,
  );
  const append = insertVersion(database);
  const fence = fenceOf(database, { alsoEnded: false });

  return {
    append: (version) =>
      writer.write(() => {
        fence(version);
        return versionOf(selectStep.get(version.runId, version.agent, version.round) ?? append(version));
      }),
    appendFailure: ({ runId, epoch, agent, round, failure, at }) =>
      writer.write(() => {
        fence({ runId, epoch });
        insertFailure.run(runId, agent, round, JSON.stringify(failure), at);
      }),
    async outcome(runId, agent, round) {
      const row = selectStep.get(runId, agent, round);
      if (row) return { kind: "version", version: versionOf(row) };
      const failed = selectFailure.get(runId, agent, round);
      return failed && { kind: "failure", failure: JSON.parse(failed.failure) as Failure };
    },
    list: async (runId) => selectAll.all(runId).map(versionOf),
    async find(runId, number) {
      const row = selectOne.get(runId, number);
      return row && versionOf(row);
    },
    findAnswers: async ({ workflow, agent, agentVersion, contract, inputHash }) =>
      selectAnswers.all(agent, agentVersion, inputHash, contract, workflow).map(versionOf),
    firstBroken: async (runId) =>
      firstBrokenLink(selectAll.all(runId).map((row) => ({ ...linkOf(runId, row), hash: row.hash, json: row.data }))),
  };
}

/** Appends to the run's chain; must be called inside a transaction, which makes number and previous hash its own. */
export function insertVersion(database: Database): (version: Omit<NewVersion, "epoch">) => Row {
  const selectHead = database.prepare<[string], { number: number; hash: string }>(
    "SELECT number, hash FROM versions WHERE run_id = ? ORDER BY number DESC LIMIT 1",
  );
  const insert = database.prepare(
    `INSERT INTO versions (run_id, number, agent, agent_version, contract, parents, round, source, input_hash, data, data_hash, previous_hash, hash, at)
     VALUES (@runId, @number, @agent, @agentVersion, @contract, @parents, @round, @source, @inputHash, @data, @dataHash, @previousHash, @hash, @at)`,
  );
  return ({ runId, data, parents, ...version }) => {
    const head = selectHead.get(runId);
    const link: Link = {
      ...version,
      runId,
      parents: JSON.stringify(parents),
      number: (head?.number ?? -1) + 1,
      dataHash: data.hash,
      previousHash: head?.hash ?? CHAIN_START,
    };
    const hash = linkHash(link);
    insert.run({ ...link, data: data.json, hash });
    return rowOf(link, data.json, hash);
  };
}

function rowOf(link: Link, data: string, hash: string): Row {
  const { number, agent, agentVersion, contract, parents, round, source, inputHash, dataHash, previousHash, at } = link;
  const head = { number, agent, agent_version: agentVersion, contract, parents, round, source, input_hash: inputHash };
  return { ...head, data, data_hash: dataHash, previous_hash: previousHash, hash, at };
}

function linkOf(runId: RunId, row: Row): Link {
  const { number, agent, agent_version, contract, parents, round, source, input_hash, data_hash, previous_hash, at } = row;
  const head = { runId, number, agent, agentVersion: agent_version, contract, parents, round, source, inputHash: input_hash };
  return { ...head, dataHash: data_hash, previousHash: previous_hash, at };
}

export function versionOf(row: Row): Version {
  return {
    number: row.number,
    agent: row.agent,
    agentVersion: row.agent_version,
    contract: row.contract,
    parents: JSON.parse(row.parents) as number[],
    round: row.round,
    source: row.source,
    dataHash: row.data_hash,
    previousHash: row.previous_hash,
    hash: row.hash,
    at: row.at,
    data: deepFreeze(JSON.parse(row.data) as JsonValue),
  };
}
