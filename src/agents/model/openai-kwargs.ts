import { messageOf, optionInvalid } from "../../contracts/failure.js";
import { seal } from "../../contracts/json.js";
import type { JsonObject } from "../../contracts/json-value.js";

/** What is set in the body beside Walkback's own. Throws `OPTION_INVALID` for what it sets itself: budgets and contracts hold by that. */
export function kwargsOf(given: object): JsonObject {
  for (const key of Object.keys(given)) {
    const instead = OWN.get(key);
    if (instead !== undefined) throw optionInvalid(`modelKwargs.${key}`, `is set by Walkback; ${instead}`);
  }
  try {
    return seal<JsonObject>(given).data;
  } catch (thrown) {
    throw optionInvalid("modelKwargs", `must be plain JSON (${messageOf(thrown)})`);
  }
}

const QUESTION = "give the question its instructions and its input";
const STREAM = "use the option stream";
const TOKENS = "use maxOutputTokens of modelAgent, askModel or toolAgent";
const TOOLS = "give toolAgent its tools";

const OWN: ReadonlyMap<string, string> = new Map([
  ["model", "use the option model"],
  ["messages", QUESTION],
  ["stream", STREAM],
  ["stream_options", STREAM],
  ["n", "one answer is asked for at a time"],
  ["max_tokens", TOKENS],
  ["max_completion_tokens", TOKENS],
  ["response_format", "use answer of modelAgent or askModel, a contract"],
  ["tools", TOOLS],
  ["tool_choice", TOOLS],
  ["functions", TOOLS],
  ["function_call", TOOLS],
]);
