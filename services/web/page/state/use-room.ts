import type { Room } from '@breakwater/client';
import { useEffect, useState } from 'preact/hooks';
import { useApp } from './context.ts';

/** The joined room; renders again with everything that changes in it. */
export function useRoom(id: string): { room: Room | undefined; failure: string | undefined } {
  const { session } = useApp();
  const [room, setRoom] = useState<Room>();
  const [failure, setFailure] = useState<string>();
  const [, setVersion] = useState(0);
  useEffect(() => {
    let isOpen = true;
    const offs: (() => void)[] = [];
    const refresh = () => setVersion((version) => version + 1);
    session.openRoom(id).then(
      (joined) => {
        if (!isOpen) return;
        for (const event of ['message', 'reset', 'people', 'typing', 'outgoing', 'resumed'] as const) {
          offs.push(joined.on(event, refresh));
        }
        setRoom(joined);
      },
      (error: Error) => isOpen && setFailure(error.message),
    );
    return () => {
      isOpen = false;
      session.closeRoom(id);
      for (const off of offs) off();
    };
  }, [id, session]);
  return { room, failure };
}
