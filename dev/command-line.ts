interface Command<T> {
  name: string;
  usage: string;
  /** What the command line asks for; undefined: help. Throws TypeError, as `parseArgs` does, for what it does not know. */
  read: () => T | undefined;
}

/**
 * What a command is asked to do. Undefined where that is nothing: help was shown, or one line has said what is wrong with
 * the command line, and the process is to end with exit code 2.
 */
export function readCommandLine<T>({ name, usage, read }: Command<T>): T | undefined {
  try {
    const asked = read();
    if (asked === undefined) console.log(usage);
    return asked;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    // Of an option that is not known, parseArgs goes on about how to write an argument that looks like one.
    console.error(`${name}: ${error.message.replace(/\. To specify a positional argument.*/s, '')} (see --help)`);
    process.exitCode = 2;
    return undefined;
  }
}
