/** For end-to-end tests: bots, records of what clients were shown, and the checker of such records. */
export { Crowd, type CrowdOptions } from './bots/crowd.ts';
export { guestTokens, signedTokens, type TokenIssuer } from './bots/tokens.ts';
export { type ArchiveOptions, StreamArchive } from './check-logs/archive.ts';
export { type CheckLogsOptions, checkLogs } from './check-logs/check-logs.ts';
export { ClientLogError } from './check-logs/client-log.ts';
export {
  comparedShare,
  describeReport,
  type Report,
  RULES,
  type Rule,
  type Violation,
} from './check-logs/report.ts';
export { CHART_SETTINGS, FIXED_SETTINGS } from './gen/values-schema.ts';
export { type CheckLedgerOptions, checkLedger } from './ledger/check-installation.ts';
export { describeLedgerReport, type LedgerReport } from './ledger/report.ts';
export type { GameRecorder } from './recorder/game-recorder.ts';
export { type Recorder, recordTo } from './recorder/recorder.ts';
export { faultsOf, loadDeclarations, type ServiceDeclaration } from './schemas.ts';
export { CLUSTER_COMMANDS, type ClusterCommandName } from './verify/cluster-commands.ts';
export { MEASURED_FILE, RUN_LABEL } from './verify/e2e.ts';
