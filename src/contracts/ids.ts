import { v7 } from "uuid";

declare const brand: unique symbol;

/** Names one run; also its LangGraph thread id. A UUID (version 7, so ids sort by time). */
export type RunId = string & { readonly [brand]: "RunId" };

export function newRunId(): RunId {
  return v7() as RunId;
}
