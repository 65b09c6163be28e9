/** A service that misbehaves as its settings say, run as a process by `process.test.ts`. */
import { commonSettings, runService, setting } from '../src/index.ts';

const never = () => new Promise<void>(() => undefined);

const schema = {
  ...commonSettings,
  fault: setting.oneOf({
    env: 'BREAKWATER_FIXTURE_FAULT',
    doc: 'What goes wrong.',
    values: ['none', 'start', 'drain-hangs', 'stop-hangs', 'throw', 'reject', 'chatter'],
    default: 'none',
  }),
} as const;

await runService({
  name: 'fixture',
  schema,
  readyWithoutNats: false,
  app({ config, lifecycle, log, announce, health }) {
    const say = (step: string) => log.info({ step }, 'step');
    lifecycle.add('inner', {
      start() {
        say('inner start');
        if (config.fault === 'start') throw new Error('no disk');
      },
      drain: () => (config.fault === 'drain-hangs' ? never() : say('inner drain')),
      stop: () => (config.fault === 'stop-hangs' ? never() : say('inner stop')),
    });
    lifecycle.add('listener', {
      start() {
        announce({ port: 4321 });
        say('listener start');
      },
      drain: () => say(`listener drain, ready ${health.ready().ok}`),
      stop: () => say('listener stop'),
    });
    if (config.fault === 'chatter') setInterval(() => log.info({ pad: 'x'.repeat(4_000) }, 'chatter'), 1);
    if (config.fault === 'throw' || config.fault === 'reject') {
      setTimeout(() => {
        if (config.fault === 'throw') throw new Error('thrown outside');
        void Promise.reject(new Error('rejected outside'));
      }, 200);
    }
  },
});
