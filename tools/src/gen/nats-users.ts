import { NATS_USERS, type Permissions, permissionsOf, permissionTemplateOf } from '@breakwater/bus';

/** Partitions of the values for a NATS cluster, which are the chart's default. */
const DEFAULT_PARTITIONS = 4;

/** What the chart makes the users of its own NATS from: a subject with `<p>` stands for one of each partition. */
export function permissionsFile(): string {
  const users = NATS_USERS.map((user) => `${user}:\n${permissionLines(permissionTemplateOf(user), '  ')}`);
  return `# Made from packages/bus by "npm run gen". Do not edit.\n${users.join('\n')}\n`;
}

/** The users in the words of the official NATS chart, whose passwords come from the environment. */
export function productionUsers(): string {
  const users = NATS_USERS.map((user) =>
    [
      `        - user: ${user}`,
      `          password: << $NATS_PASSWORD_${user.toUpperCase()} >>`,
      '          permissions:',
      permissionLines(permissionsOf(user, DEFAULT_PARTITIONS), '            '),
      '            allow_responses: true',
    ].join('\n'),
  );
  return `      users:\n${users.join('\n')}`;
}

function permissionLines({ publish, subscribe }: Permissions, indent: string): string {
  const list = (subjects: readonly string[]) => subjects.map((subject) => `${indent}  - "${subject}"`);
  return [`${indent}publish:`, ...list(publish), `${indent}subscribe:`, ...list(subscribe)].join('\n');
}
