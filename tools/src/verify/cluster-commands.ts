/** A command of the environment, for what Kubernetes itself cannot be asked to do. */
export interface ClusterCommand {
  /** Variable that holds it; the shell runs it with the arguments behind it. */
  readonly env: string;
  readonly args: string;
  readonly does: string;
  /** Tests are left out where it is missing. */
  readonly isNeeded: boolean;
}

/** All commands that the tests on a cluster know. */
export const CLUSTER_COMMANDS = {
  buildImage: {
    env: 'BREAKWATER_E2E_BUILD_IMAGE',
    args: 'NAME [--build-arg KEY=VALUE]… --file FILE FOLDER',
    does: 'builds an image and puts it where the nodes find it',
    isNeeded: true,
  },
  pauseApi: {
    env: 'BREAKWATER_E2E_PAUSE_API',
    args: '',
    does: 'stops the API server from answering',
    isNeeded: true,
  },
  resumeApi: {
    env: 'BREAKWATER_E2E_RESUME_API',
    args: '',
    does: 'lets the API server answer again',
    isNeeded: true,
  },
  killContainer: {
    env: 'BREAKWATER_E2E_KILL_CONTAINER',
    args: 'CONTAINER-ID',
    does: 'sends SIGKILL to the process of a container, behind the back of the kubelet',
    isNeeded: true,
  },
  prepareVolumes: {
    env: 'BREAKWATER_E2E_PREPARE_VOLUMES',
    args: '',
    does: 'makes new volumes writable for the group of their pod, where the storage class does not',
    isNeeded: false,
  },
} as const satisfies Record<string, ClusterCommand>;

export type ClusterCommandName = keyof typeof CLUSTER_COMMANDS;

/** The needed commands that an environment lacks. */
export function missingCommands(env: NodeJS.ProcessEnv): readonly ClusterCommand[] {
  return Object.values(CLUSTER_COMMANDS).filter((command) => command.isNeeded && !env[command.env]);
}
