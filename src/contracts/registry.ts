import canonicalize from "canonicalize";
import * as z from "zod";
import { type Compatibility, compareShapes, type JsonSchema } from "./compatibility.js";
import type { Contract } from "./contract.js";
import { ContractConflict, ContractInvalid, ContractUnknown, messageOf, UpcastMissing } from "./failure.js";
import { deepFreeze, sha256 } from "./json.js";

/** All contracts that a program knows, by `name@version`. */
export interface ContractRegistry {
  /** Adds a contract and the versions before it. Throws `CONTRACT_CONFLICT` when the id is taken by another shape. */
  register(contract: Contract): void;
  /** Throws `CONTRACT_UNKNOWN` and names what is known. */
  get(id: string): Contract;
  has(id: string): boolean;
  /** By name, then version. */
  list(): readonly Contract[];
  jsonSchema(id: string): JsonSchema;
  /** A hash of the shape and the names of the rules; it changes when either does. */
  fingerprint(id: string): string;
  /** Says whether every document that fits the older version also fits the newer one without an upcast. */
  compare(olderId: string, newerId: string): Compatibility;
  /** Throws `UPCAST_MISSING` when the chain has a gap. Returns the functions to apply, oldest first. */
  upcastChain(name: string, from: number, to: number): readonly ((older: unknown) => unknown)[];
}

export function contractRegistry(contracts: Iterable<Contract> = []): ContractRegistry {
  const byId = new Map<string, { readonly contract: Contract; readonly schema: JsonSchema; readonly fingerprint: string }>();

  const entry = (id: string) => {
    const found = byId.get(id);
    if (!found) throw unknown(id, [...byId.keys()]);
    return found;
  };

  const registry: ContractRegistry = {
    register(contract) {
      if (contract.previous) registry.register(contract.previous);
      const known = byId.get(contract.id);
      if (known?.contract === contract) return;
      const schema = jsonSchemaOf(contract);
      const fingerprint = fingerprintOf(schema, contract.ruleNames);
      if (known && known.fingerprint !== fingerprint) throw conflict(contract.id, known.fingerprint, fingerprint);
      byId.set(contract.id, { contract, schema, fingerprint });
    },
    get: (id) => entry(id).contract,
    has: (id) => byId.has(id),
    list: () => [...byId.values()].map(({ contract }) => contract).sort((a, b) => a.name.localeCompare(b.name) || a.version - b.version),
    jsonSchema: (id) => entry(id).schema,
    fingerprint: (id) => entry(id).fingerprint,
    compare: (olderId, newerId) => compareContracts(entry(olderId), entry(newerId)),
    upcastChain: (name, from, to) => upcastChain(byId, name, from, to),
  };
  for (const contract of contracts) registry.register(contract);
  return registry;
}

/** The order in which properties and rules are written down is no part of a shape. */
function fingerprintOf(schema: JsonSchema, ruleNames: readonly string[]): string {
  const unordered = JSON.stringify(schema, (keyword, value) => (keyword === "required" && Array.isArray(value) ? value.toSorted() : value));
  return sha256(canonicalize([JSON.parse(unordered), ruleNames.toSorted()]) as string); // an array always has a canonical form
}

/** JSON Schema (2020-12) of what may be handed in. */
export function jsonSchemaOf(contract: Contract): JsonSchema {
  try {
    return deepFreeze(JSON.parse(JSON.stringify(z.toJSONSchema(contract.schema, { io: "input", unrepresentable: "throw" }))) as JsonSchema);
  } catch (thrown) {
    const reason = `its schema cannot be said in JSON Schema (${messageOf(thrown)})`;
    throw new ContractInvalid(
      `Contract ${contract.id} is not valid: ${reason}. State is plain JSON; use ISO strings for dates and integers for money.`,
      { contract: contract.id, reason },
      { cause: thrown },
    );
  }
}

interface Entry {
  readonly contract: Contract;
  readonly schema: JsonSchema;
}

function compareContracts(older: Entry, newer: Entry): Compatibility {
  const shapes = compareShapes(older.schema, newer.schema);
  const before = new Set(older.contract.ruleNames);
  const after = new Set(newer.contract.ruleNames);
  const breaking = [
    ...shapes.breaking,
    ...[...after].filter((rule) => !before.has(rule)).map((rule) => `the document: must now obey the rule "${rule}"`),
  ];
  const additions = [
    ...shapes.additions,
    ...[...before].filter((rule) => !after.has(rule)).map((rule) => `the document: need no longer obey the rule "${rule}"`),
  ];
  return { kind: breaking.length > 0 ? "breaking" : additions.length > 0 ? "additive" : "same", breaking, additions };
}

function upcastChain(byId: ReadonlyMap<string, Entry>, name: string, from: number, to: number): ((older: unknown) => unknown)[] {
  const chain: ((older: unknown) => unknown)[] = [];
  for (let version = from + 1; version <= to; version++) {
    const upcast = byId.get(`${name}@${version}`)?.contract.upcast;
    // Each upcast is typed against its own older version; the chain hands it just that.
    if (upcast) chain.push(upcast as (older: unknown) => unknown);
    else throw upcastMissing(name, from, to, version);
  }
  if (from > to) throw upcastMissing(name, from, to, to);
  return chain;
}

function unknown(id: string, known: readonly string[]): ContractUnknown {
  return new ContractUnknown(`There is no contract ${id}. Known: ${known.join(", ") || "none"}.`, { contract: id, known });
}

function conflict(id: string, registered: string, offered: string): ContractConflict {
  return new ContractConflict(
    `Contract ${id} is already registered with another shape. Give the new shape the next version and an upcast.`,
    { contract: id, registered, offered },
  );
}

function upcastMissing(name: string, from: number, to: number, missing: number): UpcastMissing {
  const why = from > to ? "contracts are never cast down" : `${name}@${missing} has no upcast or is not registered`;
  return new UpcastMissing(`${name}@${from} cannot become ${name}@${to}: ${why}.`, { contract: name, from, to, missing });
}
