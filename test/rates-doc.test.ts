import { readDoc, sectionText, tableOf } from '@breakwater/testkit';
import { expect, test } from 'vitest';

test('the rates and bounds of the protocol are the defaults of the settings', () => {
  const config = readDoc('config.md');
  const defaults = new Map(
    config
      .split('\n')
      .filter((line) => line.startsWith('| `BREAKWATER_'))
      .map((line) => line.split('|').map((cell) => cell.trim().replaceAll('`', '')))
      .map(([, env, , value]) => [env, value]),
  );
  const rates = tableOf(sectionText(readDoc('protocol.md'), 'Rates'));
  expect(rates.length).toBeGreaterThan(10);
  expect(rates.map(([, value, , env]) => [env, value])).toEqual(
    rates.map(([, , , env]) => [env, defaults.get(env)]),
  );
});
