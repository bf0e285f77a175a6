import type { Contract } from "../../contracts/contract.js";
import { ContractInvalid } from "../../contracts/failure.js";
import { deepFreeze } from "../../contracts/json.js";
import type { JsonObject, JsonValue } from "../../contracts/json-value.js";
import { jsonSchemaOf } from "../../contracts/registry.js";
import { strictForm } from "./strict-schema-form.js";
import { withoutAddedNulls } from "./strict-schema-nulls.js";

/** How a contract is put to a model that can be held to a schema. */
export interface StrictSchema {
  /** The contract's name, in the letters that providers allow. */
  readonly name: string;
  /** JSON Schema in the subset of OpenAI's strict mode. */
  readonly schema: JsonObject;
  /** Removes the nulls of keys that could be left out in the contract. */
  restore(answer: JsonValue): JsonValue;
}

const known = new WeakMap<Contract, StrictSchema>();

/** Made once for each contract. Throws `CONTRACT_INVALID` for what strict mode cannot say, with where it is and what to do. */
export function strictSchema(contract: Contract): StrictSchema {
  const cached = known.get(contract);
  if (cached) return cached;
  const form = strictForm(jsonSchemaOf(contract), (pointer, reason) => {
    throw notForModels(contract, pointer, reason);
  });
  const strict = Object.freeze({
    name: contract.name.replaceAll(".", "_").slice(0, 64),
    schema: deepFreeze(form.schema),
    restore: (answer: JsonValue) => withoutAddedNulls(form, answer),
  });
  known.set(contract, strict);
  return strict;
}

function notForModels({ id }: Contract, pointer: string, reason: string): ContractInvalid {
  const found = `${pointer === "" ? "the document" : pointer} ${reason}`;
  return new ContractInvalid(`Contract ${id} cannot be asked of a model: ${found}.`, { contract: id, reason: found });
}
