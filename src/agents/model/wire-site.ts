import type { AskedModel, ModelFailureOptions } from "../../contracts/model-failure.js";
import type { AskOptions, ModelUsage } from "./chat-model.js";
import type { Redactor } from "./redact.js";

/** One question on its way over the wire. */
export interface WireSite extends AskOptions {
  readonly asked: AskedModel;
  readonly redact: Redactor;
  readonly maxAnswerBytes: number;
}

/** What an answer that was lost took: what the provider reported of it, or nobody knows. */
export function lostWith(usage: ModelUsage | null): ModelFailureOptions {
  return usage ? { usage } : { usageUnknown: true };
}
