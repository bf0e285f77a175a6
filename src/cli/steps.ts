import type { Version } from "../checkpoint/ports.js";
import type { RunEvent } from "../contracts/event.js";
import type { Undone } from "../contracts/run.js";
import { agentOf } from "./event-text.js";

/** A version and what its agent went through for it, or an agent's work that came to nothing. */
export interface Step {
  readonly agent: string;
  readonly version: Version | undefined;
  readonly events: readonly RunEvent[];
  /** The agent's last step in this run. */
  readonly last: boolean;
}

/** A run's story by steps: the versions in their order, then the agents that came to nothing. */
export function stepsOf(versions: readonly Version[], events: readonly RunEvent[]): Step[] {
  const left = byAgent(beforeWalkBack(events));
  const made = versions.map((version) => {
    const mine = left.get(version.agent) ?? [];
    const end = endOf(version, mine);
    left.set(version.agent, mine.slice(end));
    return { agent: version.agent, version, events: mine.slice(0, end) };
  });
  const failed = [...left].filter(([, mine]) => mine.length > 0).map(([agent, mine]) => ({ agent, version: undefined, events: mine }));
  const steps = [...made, ...failed];
  return steps.map((step, index) => ({ ...step, last: !steps.slice(index + 1).some(({ agent }) => agent === step.agent) }));
}

/** What the walk-back undid, without what had been undone before, to make room for other work. */
export function undoneInWalkBack(undone: readonly Undone[], events: readonly RunEvent[]): readonly Undone[] {
  const earlier = new Set(beforeWalkBack(events).flatMap((event) => (event.type === "effect.undone" ? [event.key] : [])));
  return undone.filter(({ key }) => !earlier.has(key));
}

/** What the walk-back did, could not do, and asked. */
export function walkBackEvents(events: readonly RunEvent[]): readonly RunEvent[] {
  const failedAt = events.findIndex(({ type }) => type === "run.failed");
  return failedAt === -1 ? [] : events.slice(failedAt + 1).filter(isOfWalkBack);
}

function beforeWalkBack(events: readonly RunEvent[]): readonly RunEvent[] {
  const walkBack = new Set(walkBackEvents(events));
  return events.filter((event) => !walkBack.has(event));
}

function isOfWalkBack(event: RunEvent): boolean {
  if ("question" in event) return event.question.startsWith("walk-back#");
  return event.type === "effect.undone" || event.type === "effect.undo-failed";
}

function byAgent(events: readonly RunEvent[]): Map<string, readonly RunEvent[]> {
  const groups = new Map<string, RunEvent[]>();
  for (const event of events) {
    const agent = agentOf(event);
    if (agent === undefined) continue;
    const group = groups.get(agent) ?? [];
    groups.set(agent, group);
    group.push(event);
  }
  return groups;
}

/** Where the next step begins: what the gate said about a version still belongs to it. */
function endOf(version: Version, events: readonly RunEvent[]): number {
  const made = events.findIndex((event) => event.type === "agent.completed" && event.version === version.number);
  if (made === -1) return 0;
  const next = events.findIndex(({ type }, index) => index > made && (type === "agent.started" || type === "agent.completed"));
  return next === -1 ? events.length : next;
}
