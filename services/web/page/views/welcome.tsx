import { useState } from 'preact/hooks';
import { Icon } from '../icons.tsx';
import { useApp } from '../state/context.ts';
import { lastName } from '../state/identity.ts';

export function WelcomeView() {
  const { session } = useApp();
  const [name, setName] = useState(lastName());
  const [failure, setFailure] = useState('');
  const [isBusy, setBusy] = useState(false);

  async function enter(event: Event) {
    event.preventDefault();
    setBusy(true);
    setFailure('');
    try {
      await session.enter(name.trim());
    } catch (error) {
      setFailure((error as Error).message);
      setBusy(false);
    }
  }

  return (
    <main class="welcome">
      <form onSubmit={enter}>
        <h1>
          <Icon name="wave" />
          Breakwater
        </h1>
        <p class="muted">
          Chat rooms and a shared world over one socket. The game goes on when its pod does not.
        </p>
        <label for="name">Your name</label>
        <input
          id="name"
          class="field"
          value={name}
          onInput={(event) => setName(event.currentTarget.value)}
          maxLength={32}
          autocomplete="nickname"
          autofocus
          required
        />
        <p class="notice" role="alert" hidden={failure === ''}>
          {failure}
        </p>
        <button type="submit" class="button primary" disabled={isBusy || name.trim() === ''}>
          {isBusy ? 'Entering' : 'Enter'}
        </button>
      </form>
    </main>
  );
}
