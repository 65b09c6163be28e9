import { readFileSync } from 'node:fs';
import type { Server as TlsServer } from 'node:tls';
import type { Logger } from '@breakwater/service-kit';

/** How often the files are looked at: whoever renews them replaces them long before they end. */
const LOOK_MS = 60_000;

export interface CertificateFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

interface KeyPair {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** A certificate and its key in files that somebody else renews. */
export class Certificate {
  readonly #files: CertificateFiles;
  readonly #log: Logger;
  readonly #lookMs: number;
  #current: KeyPair;
  #timer: NodeJS.Timeout | undefined;

  /** @throws Error when a file cannot be read */
  constructor(files: CertificateFiles, log: Logger, lookMs = LOOK_MS) {
    this.#files = files;
    this.#log = log;
    this.#lookMs = lookMs;
    this.#current = this.#read();
  }

  get keyPair(): KeyPair {
    return this.#current;
  }

  /** New connections get what is in the files now; those that stand keep what they have. */
  follow(server: TlsServer): void {
    this.#timer = setInterval(() => this.#renew(server), this.#lookMs).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #renew(server: TlsServer): void {
    try {
      const next = this.#read();
      if (next.cert.equals(this.#current.cert) && next.key.equals(this.#current.key)) return;
      server.setSecureContext({ ...next, minVersion: 'TLSv1.2' });
      this.#current = next;
      this.#log.info('the certificate was renewed');
    } catch (cause) {
      this.#log.error(
        { err: cause },
        'the certificate cannot be renewed from its files, the old one is used on',
      );
    }
  }

  #read(): KeyPair {
    return { cert: readFileSync(this.#files.certFile), key: readFileSync(this.#files.keyFile) };
  }
}
