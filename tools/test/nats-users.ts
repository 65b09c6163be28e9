import { NATS_USERS, type NatsUser, permissionsOf } from '@breakwater/bus';
import type { ServiceName } from '@breakwater/testkit';

const DEFAULT_PARTITIONS = 4;

/** nats-server configuration with the users of an installation; the password of each is its name. */
export function natsUsersConfig(partitions = DEFAULT_PARTITIONS): string {
  const users = NATS_USERS.map((user) => {
    const { publish, subscribe } = permissionsOf(user, partitions);
    const permissions = {
      publish: { allow: publish },
      subscribe: { allow: subscribe },
      allow_responses: { max: 1, ttl: '1m' },
    };
    return `{ user: ${user}, password: ${user}, permissions: ${JSON.stringify(permissions)} }`;
  });
  return `authorization { users: [\n${users.join('\n')}\n] }`;
}

/** Settings with which each service signs in as its own user. */
export function natsUsersEnv(): Partial<Record<ServiceName, Readonly<Record<string, string>>>> {
  const services: readonly (ServiceName & NatsUser)[] = ['chat', 'edge', 'matchmaker', 'simulation'];
  return Object.fromEntries(
    services.map((name) => [name, { BREAKWATER_NATS_USER: name, BREAKWATER_NATS_PASSWORD: name }]),
  );
}

/** The URL of a server with these users, for one of them. */
export function asNatsUser(url: string, user: NatsUser): string {
  return url.replace('nats://', `nats://${user}:${user}@`);
}
