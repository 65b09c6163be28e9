/**
 * The configuration of kind, `kind.x-k8s.io/v1alpha4`, with every field of its Go types. A field that is not here is
 * refused, as kind itself refuses it.
 */

type Check = (value: unknown, path: string) => readonly string[];

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const text: Check = (value, path) => (typeof value === 'string' ? [] : [`${path}: no text`]);
const flag: Check = (value, path) => (typeof value === 'boolean' ? [] : [`${path}: not true or false`]);

const number =
  (min: number, max: number): Check =>
  (value, path) =>
    Number.isInteger(value) && (value as number) >= min && (value as number) <= max
      ? []
      : [`${path}: no whole number from ${min} to ${max}`];

const oneOf =
  (...allowed: readonly string[]): Check =>
  (value, path) =>
    allowed.includes(value as string) ? [] : [`${path}: none of ${allowed.join(', ')}`];

const listOf =
  (each: Check): Check =>
  (value, path) =>
    Array.isArray(value)
      ? value.flatMap((item: unknown, index) => each(item, `${path}[${index}]`))
      : [`${path}: no list`];

const mapOf =
  (each: Check): Check =>
  (value, path) =>
    isObject(value)
      ? Object.entries(value).flatMap(([key, item]) => each(item, `${path}.${key}`))
      : [`${path}: no map`];

const object =
  (fields: Readonly<Record<string, Check>>, required: readonly string[] = []): Check =>
  (value, path) => {
    if (!isObject(value)) return [`${path}: no object`];
    const at = (name: string) => (path === '' ? name : `${path}.${name}`);
    return [
      ...Object.entries(value).flatMap(
        ([name, item]) => fields[name]?.(item, at(name)) ?? [`${at(name)}: unknown`],
      ),
      ...required.filter((name) => !(name in value)).map((name) => `${at(name)}: missing`),
    ];
  };

const port = number(-1, 65_535);

const patch = object({ group: text, version: text, kind: text, patch: text }, ['version', 'kind', 'patch']);

const mount = object({
  containerPath: text,
  hostPath: text,
  readOnly: flag,
  selinuxRelabel: flag,
  propagation: oneOf('None', 'HostToContainer', 'Bidirectional'),
});

const portMapping = object({
  containerPort: number(1, 65_535),
  hostPort: port,
  listenAddress: text,
  protocol: oneOf('TCP', 'UDP', 'SCTP'),
});

const node = object({
  role: oneOf('control-plane', 'worker'),
  image: text,
  labels: mapOf(text),
  extraMounts: listOf(mount),
  extraPortMappings: listOf(portMapping),
  kubeadmConfigPatches: listOf(text),
  kubeadmConfigPatchesJSON6902: listOf(patch),
});

const networking = object({
  ipFamily: oneOf('ipv4', 'ipv6', 'dual'),
  apiServerPort: port,
  apiServerAddress: text,
  podSubnet: text,
  serviceSubnet: text,
  disableDefaultCNI: flag,
  kubeProxyMode: oneOf('iptables', 'ipvs', 'nftables', 'none'),
  dnsSearch: listOf(text),
});

const cluster = object(
  {
    kind: oneOf('Cluster'),
    apiVersion: oneOf('kind.x-k8s.io/v1alpha4'),
    name: text,
    nodes: listOf(node),
    networking,
    featureGates: mapOf(flag),
    runtimeConfig: mapOf(text),
    kubeadmConfigPatches: listOf(text),
    kubeadmConfigPatchesJSON6902: listOf(patch),
    containerdConfigPatches: listOf(text),
    containerdConfigPatchesJSON6902: listOf(text),
  },
  ['kind', 'apiVersion'],
);

/** What kind would refuse, each with its path; nothing for a good configuration. */
export const faultsOf = (config: unknown): readonly string[] => cluster(config, '');
