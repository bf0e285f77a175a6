import type { Agent } from "../agents/agent.js";
import { type Effect, isPivot } from "../agents/effect.js";
import type { WorkflowIssue } from "../contracts/failure.js";

/**
 * What a saga must obey so that every failure can be walked back or carried forward: at most one point of no return on a
 * path, before it only what can be undone, after it only what needs no undo and may be sent again
 * (Garcia-Molina & Salem 1987; Richardson, Microservices Patterns, ch. 4: compensatable, pivot and retriable steps).
 */
export function sagaIssues(agents: readonly Agent[]): WorkflowIssue[] {
  const places = agents.flatMap((agent) => effectsOf(agent).map((effect, index): Place => ({ agent, effect, index })));
  const pivots = places.filter(({ effect }) => isPivot(effect));
  const after = (earlier: Place, later: Place) =>
    earlier.agent === later.agent ? later.index > earlier.index : isDownstream(agents, earlier.agent, later.agent);
  return [
    ...pivots.flatMap((pivot) => places.filter((place) => after(pivot, place)).flatMap((place) => afterPivot(pivot, place))),
    ...pivots.flatMap((pivot) =>
      agents
        .filter((agent) => agent !== pivot.agent && isDownstream(agents, pivot.agent, agent))
        .flatMap((agent) => compensated(pivot, agent)),
    ),
    ...places.filter((place) => !pivots.some((pivot) => after(pivot, place))).flatMap(mustBeUndoable),
  ];
}

interface Place {
  readonly agent: Agent;
  readonly effect: Effect;
  readonly index: number;
}

/** In the order in which they are declared; a fan-out does what its branches do. */
function effectsOf(agent: Agent): readonly Effect[] {
  return [...agent.effects, ...(agent.branches?.agent.effects ?? [])];
}

function afterPivot(pivot: Place, place: Place): WorkflowIssue[] {
  const where = `"${place.effect.name}" of ${place.agent.name} comes after the pivot "${pivot.effect.name}" of ${pivot.agent.name}`;
  const about = { problem: "saga", agent: place.agent.name } as const;
  if (isPivot(place.effect)) return [{ ...about, message: `${where} and is a second point of no return` }];
  return [
    ...(place.effect.undo ? [{ ...about, message: `${where}, so it can never be undone: leave out its undo, or move it before` }] : []),
    ...(place.effect.kind === "opaque"
      ? [{ ...about, message: `${where}, so it must be safe to send again: make it keyed or findable` }]
      : []),
  ];
}

function compensated(pivot: Place, agent: Agent): WorkflowIssue[] {
  if (!agent.compensate) return [];
  const message = `${agent.name} comes after the pivot "${pivot.effect.name}" of ${pivot.agent.name}, so its compensate can never run`;
  return [{ problem: "saga", agent: agent.name, message }];
}

function mustBeUndoable({ agent, effect }: Place): WorkflowIssue[] {
  if (effect.undo || isPivot(effect)) return [];
  const message = `"${effect.name}" of ${agent.name} has no undo: give it one, or declare it pivot or irreversible`;
  return [{ problem: "saga", agent: agent.name, message }];
}

function isDownstream(agents: readonly Agent[], from: Agent, to: Agent, seen = new Set<Agent>()): boolean {
  if (seen.has(from)) return false;
  seen.add(from);
  return agents
    .filter((agent) => Object.values(agent.consumes).some(({ name }) => name === from.produces.name))
    .some((agent) => agent === to || isDownstream(agents, agent, to, seen));
}
