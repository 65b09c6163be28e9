export { type FindChromiumOptions, findChromium, launchChromium } from './chromium.ts';
export { type EventuallyOptions, eventually } from './eventually.ts';
export { FakeClock } from './fake-clock.ts';
export { freePort, isPortFree } from './free-port.ts';
export {
  blocksOf,
  bytesOf,
  readDoc,
  type Section,
  sectionsBelow,
  sectionsOf,
  sectionText,
  tableOf,
} from './markdown.ts';
export { type Direction, Link } from './model/link.ts';
export { ModelClient } from './model/model-client.ts';
export { ModelClock, ProcessClock } from './model/model-clock.ts';
export { ModelServer } from './model/model-server.ts';
export type { NatsNodeConfig } from './nats/config.ts';
export {
  type FindNatsOptions,
  type FoundNatsServer,
  findNatsServer,
  type NatsServerSource,
} from './nats/find.ts';
export { NatsNode } from './nats/node.ts';
export { NATS_SERVER_VERSION } from './nats/release.ts';
export { type NatsOptions, type NatsServer, startNats } from './nats/server.ts';
export { baseEnv, dataDir, projectRoot, serviceRuntime } from './paths.ts';
export { acquireLock, type FileLock, LockHeldError } from './process/file-lock.ts';
export { LocalService, type ServiceSpec } from './process/local-service.ts';
export type { LogLine } from './process/log-line.ts';
export {
  describeExit,
  type ExitStatus,
  launchProcess,
  type ManagedProcess,
  type ProcessOptions,
  type StopOptions,
  spawnProcess,
} from './process/managed-process.ts';
export {
  type ReadyInfo,
  SERVICE_NAMES,
  type ServiceName,
  type ServiceOptions,
  type ServiceProcess,
  spawnService,
} from './process/service.ts';
export {
  type SupervisedUnit,
  Supervisor,
  type SupervisorEvent,
  type SupervisorOptions,
} from './process/supervisor.ts';
export { findGo } from './programs/find-go.ts';
export { type FindHelmOptions, findHelm, HELM_VERSION } from './programs/find-helm.ts';
export { type FindPromtoolOptions, findPromtool } from './programs/find-promtool.ts';
export { type FaultProxy, type ProxyDirection, type ProxyTarget, startProxy } from './proxy/proxy.ts';
export { type PlanOptions, planStack, type StackSize } from './stack/plan.ts';
export { type Stack, type StackOptions, startStack } from './stack/stack.ts';
export { signToken, type TokenOptions } from './stack/token.ts';
export { type RunOptions, run as runCommand } from './system/run.ts';
