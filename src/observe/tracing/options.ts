/** What of a run LangSmith is told; whether it is told anything is up to its own environment variables. */
export interface TracingOptions {
  /**
   * Also what the runs are about: inputs, outputs, arguments, receipts and the messages of failures. Without it, which is the
   * default, spans hold names, codes, versions, hashes and numbers.
   */
  readonly content?: boolean | undefined;
}

export type Environment = Readonly<Record<string, string | undefined>>;
