import { get } from 'node:http';
import { text } from 'node:stream/consumers';

/** A connection that is told how a job goes on. */
export interface Listener {
  /** Settles when the stream closes: whether the end of the job was told. */
  ended: Promise<boolean>;
}

/** Listens to the events at this URL; returns once the answer has begun. Throws where it is not 200. */
export function listenTo(url: string, token: string): Promise<Listener> {
  const { promise, resolve, reject } = Promise.withResolvers<Listener>();
  const request = get(url, { agent: false, headers: { authorization: `Bearer ${token}` } }, (answer) => {
    const whole = text(answer);
    if (answer.statusCode === 200) resolve({ ended: whole.then((events) => /^event: end$/m.test(events)) });
    else reject(new Error(`the events were answered ${answer.statusCode}`));
  });
  request.on('error', reject);
  return promise;
}
