import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';

/** Where the alert rules and their tests are. */
export const ALERTS = join(import.meta.dirname, '..', '..', 'alerts');

interface AlertRule {
  alert: string;
  expr: string;
}

/** The alert rules of the repository. */
export async function readAlertRules(): Promise<AlertRule[]> {
  const { groups } = parse(await readFile(join(ALERTS, 'apollo.rules.yml'), 'utf8')) as {
    groups: { rules: AlertRule[] }[];
  };
  return groups.flatMap(({ rules }) => rules);
}

/** The names of all metrics that alerts ask about, but for those that Prometheus makes itself. */
export async function metricsOfAlerts(): Promise<Set<string>> {
  const rules = await readAlertRules();
  return new Set(rules.flatMap(({ expr }) => expr.match(/\b(?:apollo|temporal)_\w+/g) ?? []));
}
