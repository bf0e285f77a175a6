import { ModelFailure } from "../../contracts/model-failure.js";
import type { AgentContext, Performer } from "../agent.js";
import type { ChatModel, ModelReply, ModelRequest, ModelUsage } from "./chat-model.js";

/** What a call of a model needs of an agent's context. */
export type ModelContext = Pick<AgentContext, "spend" | "signal" | "stream"> & { readonly effects: Pick<Performer<readonly []>, "record"> };

/**
 * The only way a model is asked: recorded, paid from the budgets, under the provider's rate limit. What stands in the record is
 * what `asked` says (the request when left out; what is new of it in a longer conversation) and the reply as it came, a refusal
 * included: it was paid for. Throws a `ModelFailure`, `BUDGET_EXCEEDED`, `RATE_LIMITED` or `PRICE_UNKNOWN`.
 */
export function callModel(context: ModelContext, model: ChatModel, request: ModelRequest, asked: unknown = request): Promise<ModelReply> {
  const { provider, model: name } = model;
  const bound = { provider, model: name, ...mostTokens(request) };
  return context.effects.record("model", { provider, model: name, request: asked }, () =>
    context.spend(bound, async () => {
      const result = await ask(context, model, request, bound);
      return { result, usage: result.usage ?? undefined };
    }),
  );
}

/** An answer that was lost on the way has to be paid for as well: as much as it can have been. */
async function ask({ signal, stream }: ModelContext, model: ChatModel, request: ModelRequest, most: ModelUsage): Promise<ModelReply> {
  try {
    return await model.ask(request, { signal, onText: stream });
  } catch (thrown) {
    if (thrown instanceof ModelFailure && (thrown.usage || !thrown.usageUnknown)) throw thrown;
    const { inputTokens, outputTokens } = most;
    throw Object.assign(thrown instanceof Error ? thrown : new Error(String(thrown)), { usage: { inputTokens, outputTokens } });
  }
}

/** No text has more tokens than bytes in UTF-8. */
function mostTokens({ maxOutputTokens, ...input }: ModelRequest): ModelUsage {
  return { inputTokens: Buffer.byteLength(JSON.stringify(input)), outputTokens: maxOutputTokens };
}
