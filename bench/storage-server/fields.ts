import { Refusal } from './bucket-store.ts';

/** What an answer has, by name: JSON of it with what is wanted of it; undefined: it is not there. */
export type Members<What> = Readonly<Record<string, (what: What, fields: Fields) => string | undefined>>;

type Chosen<What> = readonly [key: string, write: Members<What>[string], fields: Fields];

/** Selections that were asked for, by their text: clients have few of them, and ask again and again. */
const parsed = new Map<string, Fields>();

/** What a request wants of its answer (cloud.google.com/storage/docs/json_api, "Partial response"). */
export class Fields {
  /** What is wanted of each member, by its name; undefined: every one is wanted, whole. */
  readonly #members: Map<string, Fields> | undefined;
  /** By the members they were chosen of. */
  readonly #chosen = new Map<object, unknown>();

  private constructor(members?: Map<string, Fields>) {
    this.#members = members;
  }

  static readonly ALL = new Fields();

  /** Reads a selection such as `items(name,size),nextPageToken`; without one, all is wanted. Throws Refusal. */
  static of(text: string | undefined): Fields {
    if (text === undefined) return Fields.ALL;
    let fields = parsed.get(text);
    if (fields === undefined) {
      fields = Fields.#read({ text, at: 0 });
      parsed.set(text, fields);
    }
    return fields;
  }

  static #read(from: { text: string; at: number }): Fields {
    const members = new Map<string, Fields>();
    for (;;) {
      const [name = ''] = /^\w*/.exec(from.text.slice(from.at)) ?? [];
      if (name === '') throw new Refusal(400, 'invalidParameter', `Invalid field selection ${from.text}`);
      from.at += name.length;
      const isOpened = from.text[from.at] === '(';
      if (isOpened) from.at += 1;
      members.set(name, isOpened ? Fields.#read(from) : Fields.ALL);
      const next = from.text[from.at];
      from.at += 1;
      // A bracket closes what it was opened for, and the end of the text the selection.
      if (next !== ',') return new Fields(members);
    }
  }

  /** Of these members, in their order, those that are wanted and that this has. */
  json<What>(members: Members<What>, what: What): string {
    let json = '';
    for (const [key, write, fields] of this.#choose(members)) {
      const value = write(what, fields);
      if (value !== undefined) json += `${json === '' ? '' : ','}${key}${value}`;
    }
    return `{${json}}`;
  }

  #choose<What>(members: Members<What>): readonly Chosen<What>[] {
    const known = this.#chosen.get(members) as readonly Chosen<What>[] | undefined;
    if (known !== undefined) return known;
    const chosen = Object.entries(members).flatMap(([name, write]): Chosen<What>[] => {
      const fields = this.#members === undefined ? Fields.ALL : this.#members.get(name);
      return fields === undefined ? [] : [[`"${name}":`, write, fields]];
    });
    this.#chosen.set(members, chosen);
    return chosen;
  }
}
