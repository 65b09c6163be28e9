import type { Message, OutgoingMessage, Room } from '@breakwater/client';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { exactTime, relativeTime } from '../format.ts';
import { Icon } from '../icons.tsx';
import { useClock } from '../state/observable.ts';
import { Avatar } from './avatar.tsx';

/** Messages of one person within this time stand under one name, in ms. */
const GROUP_MS = 5 * 60_000;
/** Closer to the end than this counts as reading the newest, in px. */
const NEAR_END_PX = 60;

/** History, then what is on its way. The newest stays in view unless the reader has scrolled up. */
export function MessageList({ room, me }: { room: Room; me: string }) {
  const now = useClock(20_000);
  const list = useRef<HTMLDivElement>(null);
  const { isAtEnd, onScroll, toEnd } = useStickyEnd(list, room);
  const unreadFrom = useUnreadMark(room, isAtEnd, me);
  const loadOlder = useOlder(list, room);
  return (
    <>
      <div class="messages" ref={list} onScroll={onScroll} role="log" aria-label="Messages">
        {room.hasMore && (
          <button type="button" class="button quiet older" onClick={loadOlder}>
            Older messages
          </button>
        )}
        {room.messages.map((message, index) => (
          <StoredMessage
            key={message.seq}
            message={message}
            isFirst={startsGroup(room.messages, index)}
            isOwn={message.user === me}
            isUnreadMark={message.seq === unreadFrom}
            now={now}
          />
        ))}
        {room.outgoing.map((message) => (
          <WaitingMessage key={message.key} message={message} />
        ))}
      </div>
      {!isAtEnd && (
        <button type="button" class="button jump" onClick={toEnd}>
          <Icon name="down" />
          {unreadFrom === undefined ? 'Newest' : 'New messages'}
        </button>
      )}
    </>
  );
}

function startsGroup(messages: readonly Message[], index: number): boolean {
  const before = messages[index - 1];
  const message = messages[index]!;
  return before === undefined || before.user !== message.user || message.time - before.time > GROUP_MS;
}

interface StoredMessageProps {
  readonly message: Message;
  readonly isFirst: boolean;
  readonly isOwn: boolean;
  readonly isUnreadMark: boolean;
  readonly now: number;
}

function StoredMessage({ message, isFirst, isOwn, isUnreadMark, now }: StoredMessageProps) {
  return (
    <>
      {isUnreadMark && <p class="unread">New</p>}
      <article class={isFirst || isUnreadMark ? 'message first' : 'message'} data-seq={message.seq}>
        {isFirst || isUnreadMark ? (
          <>
            <Avatar user={message.user} name={message.name} />
            <p class="who">
              <span class="ellipsis">{message.name}</span>
              <time dateTime={new Date(message.time).toISOString()} title={exactTime(message.time)}>
                {relativeTime(message.time, now)}
              </time>
            </p>
          </>
        ) : null}
        <p class="text" title={exactTime(message.time)}>
          {message.text}
          {isOwn && (
            <span class="state" title="Stored">
              <Icon name="check" />
              <span class="visually-hidden">sent</span>
            </span>
          )}
        </p>
      </article>
    </>
  );
}

function WaitingMessage({ message }: { message: OutgoingMessage }) {
  const isFailed = message.state === 'failed';
  return (
    <article class={isFailed ? 'message failed' : 'message'}>
      <p class="text">
        {message.text}
        <span class="state" role="status">
          <Icon name={isFailed ? 'alert' : 'clock'} />{' '}
          {isFailed ? `failed: ${message.error?.message ?? ''} ` : 'sending'}
          {isFailed && (
            <>
              <button type="button" onClick={() => message.retry().catch(() => undefined)}>
                Send again
              </button>
              <button type="button" onClick={() => message.discard()}>
                Discard
              </button>
            </>
          )}
        </span>
      </p>
    </article>
  );
}

type ListRef = { readonly current: HTMLDivElement | null };

function useStickyEnd(list: ListRef, room: Room) {
  const [isAtEnd, setAtEnd] = useState(true);
  const last = room.messages.at(-1)?.seq ?? 0;
  const toEnd = () => list.current?.scrollTo({ top: list.current.scrollHeight });
  useLayoutEffect(() => {
    if (isAtEnd) toEnd();
  }, [last, room.outgoing.length, isAtEnd]);
  useEffect(() => {
    const observer = new ResizeObserver(() => isAtEnd && toEnd());
    if (list.current !== null) observer.observe(list.current);
    return () => observer.disconnect();
  }, [isAtEnd]);
  const onScroll = () => {
    const { scrollTop, scrollHeight, clientHeight } = list.current!;
    setAtEnd(scrollHeight - scrollTop - clientHeight < NEAR_END_PX);
  };
  return { isAtEnd, onScroll, toEnd };
}

/** The first message by another person that came while the reader was away or scrolled up. */
function useUnreadMark(room: Room, isAtEnd: boolean, me: string): number | undefined {
  const [mark, setMark] = useState<number>();
  const isReading = useRef(true);
  isReading.current = isAtEnd && document.visibilityState === 'visible';
  useEffect(
    () =>
      room.on('message', (message) => {
        if (!isReading.current && message.user !== me) setMark((current) => current ?? message.seq);
        if (message.user === me) setMark(undefined);
      }),
    [room, me],
  );
  useEffect(() => {
    if (!isAtEnd || mark === undefined) return;
    const timer = setTimeout(() => isReading.current && setMark(undefined), 4_000);
    return () => clearTimeout(timer);
  }, [isAtEnd, mark]);
  return mark;
}

/** Loads a page above and keeps the reader's place. */
function useOlder(list: ListRef, room: Room): () => Promise<void> {
  const heightBefore = useRef<number | undefined>(undefined);
  const first = room.messages[0]?.seq;
  useLayoutEffect(() => {
    if (heightBefore.current === undefined || list.current === null) return;
    list.current.scrollTop += list.current.scrollHeight - heightBefore.current;
    heightBefore.current = undefined;
  }, [first]);
  const [, refresh] = useState(0);
  return async () => {
    heightBefore.current = list.current?.scrollHeight;
    await room.loadMore(50);
    refresh((version) => version + 1);
  };
}
