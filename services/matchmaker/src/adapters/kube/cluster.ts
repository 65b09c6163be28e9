import type { PodMarks } from '../../domain/pod-marks.ts';
import type { KubeApi } from './kube-api.ts';
import { KubeError } from './kube-error.ts';
import { Permission, type PermissionParts } from './permission.ts';
import { cordonPatch, marksPatch, readScale, type Scale } from './pod-messages.ts';

/** What became of a patch: `gone`, there is no such pod any more; `forbidden`, this account may not. */
export type PatchOutcome = 'ok' | 'gone' | 'forbidden';

export interface ClusterParts extends PermissionParts {
  readonly api: KubeApi;
  readonly namespace: string;
  readonly deployment: string;
}

/** What is changed in the cluster: annotations of pods, and how many the Deployment has. */
export class Cluster {
  readonly #parts: ClusterParts;
  readonly #annotating: Permission;
  readonly #scaling: Permission;

  constructor(parts: ClusterParts) {
    this.#parts = parts;
    this.#annotating = new Permission('annotate simulation pods', parts);
    this.#scaling = new Permission('scale the simulation Deployment', parts);
  }

  /** @throws KubeError */
  mark(pod: string, marks: PodMarks): Promise<PatchOutcome> {
    return this.#annotate(pod, marksPatch(marks));
  }

  /** @throws KubeError */
  cordon(pod: string, isCordoned: boolean): Promise<PatchOutcome> {
    return this.#annotate(pod, cordonPatch(isCordoned));
  }

  /** `undefined` where it may not be read. @throws KubeError */
  scale(): Promise<Scale | undefined> {
    return this.#scaling.use(async () => readScale(await this.#parts.api.get(this.#scalePath)));
  }

  /**
   * Asks for so many pods, if nobody changed the Deployment since `before` was read.
   * @throws KubeError, also when somebody did
   */
  async setScale(before: Scale, replicas: number): Promise<PatchOutcome> {
    const body = { metadata: { resourceVersion: before.version }, spec: { replicas } };
    const answer = await this.#scaling.use(() => this.#parts.api.patch(this.#scalePath, body));
    return answer === undefined ? 'forbidden' : 'ok';
  }

  async #annotate(pod: string, patch: unknown): Promise<PatchOutcome> {
    const path = `/api/v1/namespaces/${this.#parts.namespace}/pods/${encodeURIComponent(pod)}`;
    try {
      const answer = await this.#annotating.use(() => this.#parts.api.patch(path, patch));
      return answer === undefined ? 'forbidden' : 'ok';
    } catch (error) {
      if (error instanceof KubeError && error.status === 404) return 'gone';
      throw error;
    }
  }

  get #scalePath(): string {
    const { namespace, deployment } = this.#parts;
    return `/apis/apps/v1/namespaces/${namespace}/deployments/${deployment}/scale`;
  }
}
