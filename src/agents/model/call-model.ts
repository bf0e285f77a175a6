import { isError, messageOf } from "../../contracts/failure.js";
import { ModelFailure } from "../../contracts/model-failure.js";
import type { AgentContext, Performer } from "../agent.js";
import type { ChatModel, ModelReply, ModelRequest, ModelUsage } from "./chat-model.js";
import { judgeReply } from "./judge-reply.js";
import { checkReply } from "./reply-shape.js";

/** What a call of a model needs of an agent's context. */
export type ModelContext = Pick<AgentContext, "spend" | "signal" | "stream"> & { readonly effects: Pick<Performer<readonly []>, "record"> };

/** One call of a model on record: who was asked, and the reply as it came. The question is what the call is found by. */
interface ModelCall {
  readonly provider: string;
  readonly model: string;
  readonly reply: ModelReply;
}

/**
 * The only way a model is asked: recorded, paid from the budgets, under the provider's rate limit. What stands in the record is
 * what `asked` says (the request when left out; what is new of it in a longer conversation) and the reply as it came, a refusal
 * included: it was paid for. Another model that is asked the same in the same round is answered from there as well, so a run is
 * resumed and replayed whatever its models are called today. A reply that another try may better (with nothing in it, without
 * its end) is paid for, not recorded, and thrown. Throws a `ModelFailure`, `BUDGET_EXCEEDED`, `RATE_LIMITED` or `PRICE_UNKNOWN`.
 */
export async function callModel(
  context: ModelContext,
  chatModel: ChatModel,
  request: ModelRequest,
  asked: unknown = request,
): Promise<ModelReply> {
  const { provider, model } = chatModel;
  const bound = { provider, model, ...mostTokens(request) };
  const call = await context.effects.record("model", asked, () =>
    context.spend(bound, async () => {
      const reply = await ask(context, chatModel, request);
      return { result: { provider, model, reply } satisfies ModelCall, usage: reply.usage ?? undefined };
    }),
  );
  return call.reply;
}

/** An answer that was given up or lost on the way may have to be paid for as well. */
async function ask({ signal, stream }: ModelContext, model: ChatModel, request: ModelRequest): Promise<ModelReply> {
  try {
    const reply = checkReply(await model.ask(request, { signal, onText: stream }), model);
    const failure = judgeReply(request, reply, model);
    if (failure?.retryable) throw failure;
    return reply;
  } catch (thrown) {
    if (thrown instanceof ModelFailure) throw thrown;
    throw Object.assign(isError(thrown) ? thrown : new Error(messageOf(thrown)), { usageUnknown: true });
  }
}

/** The most an answer may have where nobody says otherwise. */
export const MAX_OUTPUT_TOKENS = 1024;

/** What a request can take at most: no text has more tokens than bytes in UTF-8. */
export function mostTokens({ maxOutputTokens, ...input }: ModelRequest): ModelUsage {
  return { inputTokens: Buffer.byteLength(JSON.stringify(input)), outputTokens: maxOutputTokens };
}
