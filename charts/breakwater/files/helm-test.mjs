// Proves an installation from inside: every service takes part in what is asked here. Ends with 0 or says what failed.
import { createHmac } from 'node:crypto';

const { EDGE_URL, PAGE_URL, JWT_SECRET, JWT_AUDIENCE, JWT_ISSUER } = process.env;
const STEP_MS = 20_000;

function sign(secret) {
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const exp = Math.floor(Date.now() / 1_000) + 300;
  const claims = { sub: `helm-test-${process.pid}-${Date.now()}`, name: 'helm test', aud: JWT_AUDIENCE, exp };
  if (JWT_ISSUER) claims.iss = JWT_ISSUER;
  const body = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`;
  return `${body}.${createHmac('sha256', secret).update(body).digest('base64url')}`;
}

async function step(name, work) {
  const timer = setTimeout(() => fail(name, new Error(`no answer in ${STEP_MS} ms`)), STEP_MS);
  try {
    await work();
    console.log(`ok    ${name}`);
  } catch (error) {
    fail(name, error);
  } finally {
    clearTimeout(timer);
  }
}

function fail(name, error) {
  console.error(`FAIL  ${name}: ${error.message}${error.cause ? ` (${error.cause.message})` : ''}`);
  process.exit(1);
}

function expect(isTrue, what) {
  if (!isTrue) throw new Error(what);
}

/** Frames that arrived, and a way to wait for one. */
class Frames {
  #frames = [];
  #waiting = [];

  constructor(socket) {
    socket.onmessage = ({ data }) => typeof data === 'string' && this.#take(JSON.parse(data));
    socket.onclose = ({ code }) => {
      for (const { reject } of this.#waiting) reject(new Error(`closed with ${code}`));
    };
  }

  #take(frame) {
    this.#frames.push(frame);
    this.#waiting = this.#waiting.filter(({ test, resolve }) => !test(frame) || resolve(frame));
  }

  until(test) {
    const found = this.#frames.find(test);
    if (found) return Promise.resolve(found);
    return new Promise((resolve, reject) => this.#waiting.push({ test, resolve, reject }));
  }

  async answer(id) {
    const frame = await this.until((each) => each.id === id);
    expect(frame.t !== 'error', `${frame.code}: ${frame.message}`);
    return frame;
  }
}

await step('the edge refuses a caller without a token', async () => {
  const answer = await fetch(`${EDGE_URL}/v1/ticket`, { method: 'POST' });
  expect(answer.status === 401, `it answered ${answer.status}`);
});

if (JWT_SECRET) {
  const socket = new WebSocket(`${EDGE_URL.replace(/^http/, 'ws')}/v1/ws`, [
    'breakwater.v1',
    `breakwater.token.${sign(JWT_SECRET)}`,
  ]);
  const frames = new Frames(socket);
  let id = 0;
  const ask = (frame) => {
    id += 1;
    socket.send(JSON.stringify({ ...frame, id }));
    return frames.answer(id);
  };

  await step('the edge takes a socket with a token', () => frames.until(({ t }) => t === 'welcome'));
  await step('chat lists rooms, the matchmaker lists games and their types', async () => {
    await ask({ t: 'lobby.watch' });
    await ask({ t: 'room.list' });
    await ask({ t: 'game.list' });
  });
  await step('a simulation process hosts at least one type of game', async () => {
    const hasTypes = ({ t, types }) => t.startsWith('lobby') && types?.length > 0;
    const { types } = await frames.until(hasTypes);
    console.log(`      ${types.join(', ')}`);
  });
  socket.close(1000);
} else {
  console.log('skip  the rest: tokens come from an issuer that this test cannot ask');
}

if (PAGE_URL) {
  await step('the page is served, and passes requests on to the edge', async () => {
    const page = await fetch(PAGE_URL);
    expect(page.ok && (await page.text()).includes('<html'), `it answered ${page.status}`);
    const answer = await fetch(`${PAGE_URL}/v1/guest`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"name":"helm test"}',
    });
    expect(answer.status === 200, `a guest token was answered with ${answer.status}`);
  });
}
