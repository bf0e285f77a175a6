import type { ChatModel } from "./chat-model.js";
import { openAIModel } from "./openai-model.js";

/** The models of the two tiers that ask one. */
export interface EnvironmentModels {
  readonly premium: ChatModel;
  readonly standard: ChatModel;
}

/**
 * The models that the environment names: `WALKBACK_MODEL_PREMIUM` (gpt-4.1 when left out) and `WALKBACK_MODEL_STANDARD`
 * (gpt-4.1-mini). They are not available without `OPENAI_API_KEY`, unless `OPENAI_BASE_URL` names a server that is not OpenAI's. Throws
 * `OPTION_INVALID` for a base URL or a key that is none.
 */
export function modelsFromEnvironment(environment: Readonly<Record<string, string | undefined>> = process.env): EnvironmentModels {
  const connection = { apiKey: environment["OPENAI_API_KEY"] ?? "", baseURL: environment["OPENAI_BASE_URL"] ?? "" };
  const named = (variable: string, otherwise: string) => openAIModel({ ...connection, model: environment[variable]?.trim() || otherwise });
  return { premium: named("WALKBACK_MODEL_PREMIUM", "gpt-4.1"), standard: named("WALKBACK_MODEL_STANDARD", "gpt-4.1-mini") };
}
