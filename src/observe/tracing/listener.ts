import type { RunEvent } from "../../contracts/event.js";
import type { Tracer } from "./tracer.js";

type Listen = (event: RunEvent) => void;

/** Who hears of events: the tracer, and whoever listens besides; nobody is put in between when there is no tracer. */
export function listenerOf(tracer: Tracer | undefined, listen: Listen | undefined): Listen | undefined {
  if (!tracer) return listen;
  return (event) => {
    tracer.onEvent(event);
    listen?.(event);
  };
}
