import type { Room } from '@breakwater/client';
import { useEffect, useRef, useState } from 'preact/hooks';
import { Icon } from '../icons.tsx';

interface ComposerProps {
  readonly room: Room | undefined;
  readonly title: string;
  readonly autoFocus: boolean;
}

/**
 * Enter sends, Shift+Enter breaks the line. Until the room is joined, what is typed stays in the field; what cannot be
 * sent after that waits in the SDK's queue and shows as sending.
 */
export function Composer({ room, title, autoFocus }: ComposerProps) {
  const [text, setText] = useState('');
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    if (autoFocus && matchMedia('(pointer: fine)').matches) field.current?.focus();
  }, [autoFocus]);

  function send(event?: Event) {
    event?.preventDefault();
    if (room === undefined || text.trim() === '') return;
    // A failure is shown on the message itself, with the offer to send it again.
    room.send(text).catch(() => undefined);
    room.setTyping(false);
    setText('');
    field.current?.focus();
  }

  function onKeyDown(event: KeyboardEvent) {
    if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) send(event);
  }

  return (
    <form class="composer" onSubmit={send}>
      <label for="message" class="visually-hidden">
        Message
      </label>
      <textarea
        id="message"
        ref={field}
        class="field"
        rows={1}
        maxLength={4_000}
        placeholder={`Message ${title}`}
        value={text}
        onKeyDown={onKeyDown}
        onInput={(event) => {
          setText(event.currentTarget.value);
          room?.setTyping(event.currentTarget.value !== '');
        }}
      />
      <button
        type="submit"
        class="button primary icon-only"
        disabled={room === undefined || text.trim() === ''}
        aria-label="Send"
      >
        <Icon name="send" />
      </button>
    </form>
  );
}
