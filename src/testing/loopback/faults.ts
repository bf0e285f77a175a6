import type { ModelReply, ModelRequest } from "../../agents/model/chat-model.js";
import { ERROR_FAULTS } from "./error-faults.js";
import { REPLY_FAULTS } from "./reply-faults.js";
import { type Asked, type WireAnswer, wireAnswerOf } from "./wire-answer.js";
import { STREAM_FAULTS, WIRE_FAULTS } from "./wire-faults.js";

type FaultTable = typeof ERROR_FAULTS & typeof REPLY_FAULTS & typeof WIRE_FAULTS & typeof STREAM_FAULTS;

/** What a provider, a model or the way between can do instead of answering well. */
export type LoopbackFault = keyof FaultTable;

const keysOf = <Table extends object>(table: Table) => Object.keys(table) as (keyof Table)[]; // literal tables have no other keys

/** All the faults there are. */
export const LOOPBACK_FAULTS: readonly LoopbackFault[] = Object.freeze([
  ...keysOf(ERROR_FAULTS),
  ...keysOf(REPLY_FAULTS),
  ...keysOf(WIRE_FAULTS),
  ...keysOf(STREAM_FAULTS),
]);

/** Those that need a request for a stream. */
export const LOOPBACK_STREAM_FAULTS: readonly LoopbackFault[] = Object.freeze(keysOf(STREAM_FAULTS));

/** The good answer, spoiled in this way. */
export function faultyAnswer(fault: LoopbackFault, reply: ModelReply, request: ModelRequest, asked: Asked): WireAnswer {
  if (isOf(ERROR_FAULTS, fault)) return ERROR_FAULTS[fault](asked);
  if (isOf(REPLY_FAULTS, fault)) return wireAnswerOf(REPLY_FAULTS[fault](reply, request), asked);
  const good = wireAnswerOf(reply, asked);
  return isOf(WIRE_FAULTS, fault) ? WIRE_FAULTS[fault](good) : STREAM_FAULTS[fault](good);
}

function isOf<Table extends object>(table: Table, fault: PropertyKey): fault is keyof Table {
  return Object.hasOwn(table, fault);
}
