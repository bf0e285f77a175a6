import { OptionInvalid } from "../../contracts/failure.js";
import { ModelAuthentication, ModelBadRequest } from "../../contracts/model-failure.js";
import type { ChatModel } from "./chat-model.js";
import { openAIModel } from "./openai-model.js";

/** The models of the two tiers that ask one. */
export interface EnvironmentModels {
  readonly premium: ChatModel;
  readonly standard: ChatModel;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The models that the environment names: `WALKBACK_MODEL_PREMIUM` (gpt-4.1 when left out) and `WALKBACK_MODEL_STANDARD`
 * (gpt-4.1-mini). They are not available without `OPENAI_API_KEY`, unless `OPENAI_BASE_URL` names a server that is not OpenAI's.
 * A key or a base URL that is none stops nothing that asks no model: the models are there, and each question fails with
 * `MODEL_AUTHENTICATION` or `MODEL_BAD_REQUEST`, which names the variable, before anything is sent.
 */
export function modelsFromEnvironment(environment: Environment = process.env): EnvironmentModels {
  const named = (variable: string, otherwise: string) => modelOf(environment, environment[variable]?.trim() || otherwise);
  return { premium: named("WALKBACK_MODEL_PREMIUM", "gpt-4.1"), standard: named("WALKBACK_MODEL_STANDARD", "gpt-4.1-mini") };
}

function modelOf(environment: Environment, model: string): ChatModel {
  const apiKey = environment["OPENAI_API_KEY"] ?? "";
  const baseURL = environment["OPENAI_BASE_URL"] ?? "";
  try {
    return openAIModel({ model, apiKey, baseURL });
  } catch (thrown) {
    if (!(thrown instanceof OptionInvalid)) throw thrown;
    const { option, reason } = thrown.details;
    const keyIsWrong = option === "apiKey";
    const { provider } = openAIModel({ model, apiKey: "", baseURL: keyIsWrong ? baseURL : "" });
    return failing(provider, model, keyIsWrong, reason);
  }
}

function failing(provider: string, model: string, keyIsWrong: boolean, reason: string): ChatModel {
  const variable = keyIsWrong ? "OPENAI_API_KEY" : "OPENAI_BASE_URL";
  const Failure = keyIsWrong ? ModelAuthentication : ModelBadRequest;
  return Object.freeze<ChatModel>({
    provider,
    model,
    available: () => true,
    ask: async () => {
      throw new Failure(`${model} was not asked: the environment variable ${variable} ${reason}.`, { provider, model });
    },
  });
}
