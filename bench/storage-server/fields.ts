import { Refusal } from './bucket-store.ts';

/** Selections that were asked for, by their text: clients have few of them, and ask again and again. */
const parsed = new Map<string, Fields>();

/** What a request wants of its answer (cloud.google.com/storage/docs/json_api, "Partial response"). */
export class Fields {
  /** What is wanted of each member, by its name; undefined: every one is wanted, whole. */
  readonly #members: Map<string, Fields> | undefined;
  readonly #chosen = new Map<object, readonly unknown[]>();

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

  /** What is wanted of this member; undefined: nothing. */
  member(name: string): Fields | undefined {
    return this.#members === undefined ? Fields.ALL : this.#members.get(name);
  }

  /** Of these, by name, those that are wanted, in their order. */
  choose<Member>(members: Readonly<Record<string, Member>>): readonly Member[] {
    const known = this.#chosen.get(members) as readonly Member[] | undefined;
    if (known !== undefined) return known;
    const chosen = Object.entries(members).flatMap(([name, member]) => (this.member(name) === undefined ? [] : member));
    this.#chosen.set(members, chosen);
    return chosen;
  }
}
