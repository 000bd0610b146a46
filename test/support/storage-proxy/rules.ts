import type { Answer } from './answer.ts';
import type { Fault, Proceed } from './faults.ts';
import type { Operation, StorageRequest } from './storage-request.ts';
import type { Leeway } from './strict-storage.ts';

/** What a request can be told by. */
type Described = Pick<StorageRequest, 'operation' | 'bucket' | 'name' | 'query'>;

/** Which requests are meant: those that agree in everything given, or those the function says. */
export type Matcher =
  | { operation?: Operation | readonly Operation[]; bucket?: string; name?: string | RegExp }
  | ((request: Described) => boolean);

export function matches(matcher: Matcher, request: Described): boolean {
  if (typeof matcher === 'function') return matcher(request);
  const { operation, bucket, name } = matcher;
  if (operation !== undefined && ![operation].flat().includes(request.operation)) return false;
  if (bucket !== undefined && bucket !== request.bucket) return false;
  if (name === undefined) return true;
  return typeof name === 'string' ? name === request.name : name.test(request.name);
}

/** A fault that is in force. */
export interface Rule {
  /** Requests it was applied to. */
  readonly hits: number;
  remove(): void;
}

/** The faults in force, the one added first outermost: where it answers by itself, those after it do not come to it. */
export class RuleSet {
  readonly #rules: { matcher: Matcher; fault: Fault; left: number; hits: number }[] = [];

  add(matcher: Matcher, fault: Fault, { times = Number.POSITIVE_INFINITY }: { times?: number } = {}): Rule {
    const rule = { matcher, fault, left: times, hits: 0 };
    this.#rules.push(rule);
    return {
      get hits() {
        return rule.hits;
      },
      remove: () => {
        rule.left = 0;
      },
    };
  }

  clear(): void {
    for (const rule of this.#rules) rule.left = 0;
  }

  /** Applies every rule that matches around what `proceed` does. */
  async apply(request: StorageRequest, proceed: Proceed): Promise<Answer> {
    this.#forgetSpent();
    const applicable = this.#rules.filter((rule) => matches(rule.matcher, request));
    const step = async (index: number, leeway: Leeway): Promise<Answer> => {
      const rule = applicable[index];
      if (rule === undefined) return await proceed(leeway);
      // Spent by another request since.
      if (rule.left <= 0) return await step(index + 1, leeway);
      rule.left -= 1;
      rule.hits += 1;
      return await rule.fault(request, (more) => step(index + 1, { ...leeway, ...more }));
    };
    return await step(0, {});
  }

  #forgetSpent(): void {
    for (let index = this.#rules.length - 1; index >= 0; index -= 1) {
      if (this.#rules[index]?.left === 0) this.#rules.splice(index, 1);
    }
  }
}
