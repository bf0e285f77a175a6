import { type Issue, WalkbackError } from "./failure.js";
import type { JsonValue } from "./json-value.js";

/** What a model took though it failed: counted in the budgets. */
interface Paid {
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** Who was asked. */
export interface AskedModel {
  readonly provider: string;
  readonly model: string;
}

export interface ModelFailureOptions {
  readonly cause?: unknown;
  /** What the provider reported; it counts in the budgets. */
  readonly usage?: Paid | undefined;
  /** Nobody can say what it took: the most that it can have taken counts. */
  readonly usageUnknown?: boolean;
}

/** A model gave no answer that can be used. No answer is no decision, and never an approval. */
export abstract class ModelFailure<Details extends AskedModel = AskedModel> extends WalkbackError<Details> {
  readonly usage: Paid | undefined;
  readonly usageUnknown: boolean;

  constructor(message: string, details: Details, { cause, usage, usageUnknown = false }: ModelFailureOptions = {}) {
    super(message, details, cause === undefined ? {} : { cause });
    this.usage = usage;
    this.usageUnknown = usageUnknown;
  }
}

/** The model declined to answer. */
export class ModelRefused extends ModelFailure<AskedModel & { refusal: string }> {
  readonly code = "MODEL_REFUSED";
}

/** The answer ended at the most tokens it could have; what there is of it is not used. */
export class ModelTruncated extends ModelFailure<AskedModel & { maxOutputTokens: number }> {
  readonly code = "MODEL_TRUNCATED";
}

/** The provider held the answer back. */
export class ModelFiltered extends ModelFailure {
  readonly code = "MODEL_FILTERED";
}

/** The model wrote prose where a structured answer or a tool call was asked for. */
export class ModelProse extends ModelFailure<AskedModel & { beginning: string }> {
  readonly code = "MODEL_PROSE";
}

/** The answer does not keep the contract it was asked for, or the call of a tool its arguments. */
export class ModelAnswerInvalid extends ModelFailure<AskedModel & { contract: string; issues: readonly Issue[] }> {
  readonly code = "MODEL_ANSWER_INVALID";
}

/** An answer with nothing in it. */
export class ModelEmpty extends ModelFailure {
  readonly code = "MODEL_EMPTY";
}

/** The provider reported an error in the middle of a stream. */
export class ModelStreamFailed extends ModelFailure<AskedModel & { error: JsonValue }> {
  readonly code = "MODEL_STREAM_FAILED";
}

/** The connection ended before the answer did. */
export class ModelDisconnected extends ModelFailure {
  readonly code = "MODEL_DISCONNECTED";
}

/** What came back is no answer of this protocol. */
export class ModelMalformed extends ModelFailure<AskedModel & { reason: string }> {
  readonly code = "MODEL_MALFORMED";
}

/** The answer was larger than any answer can be; the rest was not read. */
export class ModelTooLarge extends ModelFailure<AskedModel & { maxBytes: number }> {
  readonly code = "MODEL_TOO_LARGE";
}

/** Too many requests for now. */
export class ModelRateLimited extends ModelFailure<AskedModel & { status: number; retryAfterMs?: number | undefined }> {
  readonly code = "MODEL_RATE_LIMITED";
}

/** The account has nothing left to pay with; waiting does not help. */
export class ModelQuota extends ModelFailure<AskedModel & { status: number }> {
  readonly code = "MODEL_QUOTA";
}

/** The question is longer than the model can read. */
export class ModelContextLength extends ModelFailure<AskedModel & { status: number }> {
  readonly code = "MODEL_CONTEXT_LENGTH";
}

/** The key is wrong, or may not use this model. */
export class ModelAuthentication extends ModelFailure<AskedModel & { status?: number | undefined }> {
  readonly code = "MODEL_AUTHENTICATION";
}

/** The provider will not have the request as it is: an unknown model, an option it does not know. */
export class ModelBadRequest extends ModelFailure<AskedModel & { status?: number | undefined; providerCode?: string | undefined }> {
  readonly code = "MODEL_BAD_REQUEST";
}

/** The provider cannot be reached, or cannot answer for now. */
export class ModelUnavailable extends ModelFailure<AskedModel & { status?: number | undefined; retryAfterMs?: number | undefined }> {
  readonly code = "MODEL_UNAVAILABLE";
}
