import {
  isWalkbackError,
  judgeReply,
  ModelFailure,
  type ModelReply,
  type ModelRequest,
  type OpenAIModelOptions,
  openAIModel,
} from "walkback";

/** What became of a question, and what was heard of it on the way. */
export interface Asked {
  readonly reply?: ModelReply;
  readonly failure?: ModelFailure;
  readonly heard: readonly string[];
}

export const QUESTION: ModelRequest = { messages: [{ role: "user", text: "What is the capital of France?" }], maxOutputTokens: 100 };

export interface AskingOptions extends Partial<OpenAIModelOptions> {
  readonly signal?: AbortSignal;
}

/** Asks through the real client and judges what came, as an agent does. Rejects for an error that is not typed. */
export async function ask(baseURL: string, request = QUESTION, { signal, ...options }: AskingOptions = {}): Promise<Asked> {
  const model = openAIModel({ model: "gpt-4.1-mini", provider: "openai", apiKey: "sk-of-no-account", baseURL, ...options });
  const heard: string[] = [];
  try {
    const reply = await model.ask(request, { signal: signal ?? new AbortController().signal, onText: (text) => heard.push(text) });
    const failure = judgeReply(request, reply, model);
    return failure ? { failure, heard } : { reply, heard };
  } catch (thrown) {
    if (!(thrown instanceof ModelFailure && isWalkbackError(thrown))) throw thrown;
    return { failure: thrown, heard };
  }
}
