import type { Room } from '@breakwater/client';
import { useApp } from '../state/context.ts';
import { Composer } from './composer.tsx';
import { MessageList } from './message-list.tsx';

export interface TalkProps {
  readonly room: Room | undefined;
  readonly failure: string | undefined;
  readonly title: string;
  readonly autoFocus?: boolean;
}

/** A room's messages, who is typing, and the field to write in. */
export function Talk({ room, failure, title, autoFocus = false }: TalkProps) {
  const { session } = useApp();
  return (
    <section class="talk" aria-label={`Messages in ${title}`}>
      {failure !== undefined && (
        <p class="notice" role="alert">
          {failure}
        </p>
      )}
      {room === undefined ? <div class="messages" /> : <MessageList room={room} me={session.client!.user} />}
      <p class="typing ellipsis" aria-live="polite">
        {room === undefined ? '' : typingSentence(room)}
      </p>
      <Composer room={room} title={title} autoFocus={autoFocus} />
    </section>
  );
}

function typingSentence(room: Room): string {
  const names = room.typing.map((person) => person.name);
  if (names.length === 0) return '';
  if (names.length > 3) return 'Several people are typing';
  return `${new Intl.ListFormat('en').format(names)} ${names.length === 1 ? 'is' : 'are'} typing`;
}
