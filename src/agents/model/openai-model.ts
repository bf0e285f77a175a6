import { messageOf } from "../../contracts/failure.js";
import { ModelBadRequest, type ModelFailure } from "../../contracts/model-failure.js";
import { untraced } from "../untraced.js";
import type { ChatModel, ModelReply, ModelRequest } from "./chat-model.js";
import { type ModelSettings, type OpenAIModelOptions, settingsOf } from "./openai-options.js";
import { oneLine } from "./redact.js";
import { givenUp, watchedFetch } from "./wire-fetch.js";
import { send } from "./wire-request.js";
import type { WireSite } from "./wire-site.js";

/**
 * A model behind OpenAI's chat completions, asked with @langchain/openai. Tries nothing again and prints nothing. Without a key it is not
 * available, unless the base URL is not OpenAI's. Neither the key nor a secret header ever stands in what comes back. Throws
 * `OPTION_INVALID`.
 */
export function openAIModel(options: OpenAIModelOptions): ChatModel {
  const settings = settingsOf(options);
  const { asked, available, redact, maxAnswerBytes } = settings;
  return Object.freeze<ChatModel>({
    ...asked,
    available: () => available,
    ask: (request, how) => ask(request, { ...how, asked, redact, maxAnswerBytes }, settings),
  });
}

async function ask(request: ModelRequest, site: WireSite, settings: ModelSettings): Promise<ModelReply> {
  if (site.signal.aborted) throw givenUp(site, false);
  // Without a stream the client would parse an answer with a schema itself, and then takes no tools beside it.
  const streaming = settings.stream || (request.answer !== undefined && request.tools !== undefined);
  const wire = watchedFetch(site, streaming);
  // The client never stops listening to the signal it is given, and one attempt may ask many times.
  const signal = AbortSignal.any([site.signal]);
  const problem = await untraced(() => send(request, { ...settings.client(wire.fetch), streaming }, signal)).catch(messageOf);
  const outcome = await wire.outcome();
  if (!outcome) throw signal.aborted ? givenUp(site, false) : notSent(problem ?? "nothing was sent", site);
  if ("failure" in outcome) throw outcome.failure;
  return outcome.reply;
}

function notSent(problem: string, { asked, redact }: WireSite): ModelFailure {
  return new ModelBadRequest(`The request to ${asked.model} could not be made: ${oneLine(redact.error(problem))}.`, asked);
}
