/** An agent that does not await its effect must not end the process when that is refused; who awaits it is told all the same. */
export function handled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}
