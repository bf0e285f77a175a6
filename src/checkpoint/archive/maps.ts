import type { ArchivedCheckpoint, Held, MapChange } from "./format.js";

type Version = string | number;

/** What a checkpoint has for each channel or node. Most of it is as it was in the checkpoint before. */
export interface CheckpointMaps {
  readonly channelVersions: Readonly<Record<string, Version>>;
  readonly versionsSeen: Readonly<Record<string, Record<string, Version>>>;
  readonly channels: Readonly<Record<string, Held>>;
}

export const NO_MAPS: CheckpointMaps = { channelVersions: {}, versionsSeen: {}, channels: {} };

export function changesOf(before: CheckpointMaps, after: CheckpointMaps): Pick<ArchivedCheckpoint, keyof CheckpointMaps> {
  return {
    channelVersions: changeOf(before.channelVersions, after.channelVersions),
    versionsSeen: changeOf(before.versionsSeen, after.versionsSeen),
    channels: changeOf(before.channels, after.channels),
  };
}

/** Throws a `RangeError` when what is gone was not there. */
export function mapsAfter(before: CheckpointMaps, changes: Pick<ArchivedCheckpoint, keyof CheckpointMaps>): CheckpointMaps {
  return {
    channelVersions: changed(before.channelVersions, changes.channelVersions),
    versionsSeen: changed(before.versionsSeen, changes.versionsSeen),
    channels: changed(before.channels, changes.channels),
  };
}

function changeOf<T>(before: Readonly<Record<string, T>>, after: Readonly<Record<string, T>>): MapChange<T> {
  const set = Object.fromEntries(Object.entries(after).filter(([name, value]) => !isSame(before, name, value)));
  const gone = Object.keys(before).filter((name) => !Object.hasOwn(after, name));
  const rest = gone.length === 0 ? {} : { gone };
  const candidates: readonly MapChange<T>[] = [
    { set, ...rest },
    { moved: set, ...rest },
  ];
  return candidates.find((change) => hasOrderOf(changed(before, change), after)) ?? { all: after };
}

/** What the change names, with the values it has then. */
export function namedIn<T>(change: MapChange<T>): Readonly<Record<string, T>> {
  if ("all" in change) return change.all;
  return "set" in change ? change.set : change.moved;
}

function changed<T>(before: Readonly<Record<string, T>>, change: MapChange<T>): Readonly<Record<string, T>> {
  if ("all" in change) return change.all;
  const gone = new Set(change.gone);
  if ([...gone].some((name) => !Object.hasOwn(before, name))) throw new RangeError("something is gone that was not there");
  const named = namedIn(change);
  const kept = Object.entries(before).filter(([name]) => !gone.has(name) && !("moved" in change && Object.hasOwn(named, name)));
  return Object.fromEntries([...kept, ...Object.entries(named)]);
}

function hasOrderOf(a: object, b: object): boolean {
  const names = Object.keys(b);
  return Object.keys(a).every((name, index) => name === names[index]);
}

function isSame<T>(before: Readonly<Record<string, T>>, name: string, value: T): boolean {
  return Object.hasOwn(before, name) && JSON.stringify(before[name]) === JSON.stringify(value);
}
