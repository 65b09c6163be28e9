/** Where the person is: kept in the URL's hash, so a reload lands there again. */

import { Observable } from './observable.ts';

export type Place =
  | { readonly view: 'lobby' }
  | { readonly view: 'room'; readonly id: string }
  | { readonly view: 'game'; readonly id: string };

export function parsePlace(hash: string): Place {
  const match = /^#\/(room|game)\/([A-Za-z0-9_-]{1,64})$/.exec(hash);
  return match === null ? { view: 'lobby' } : { view: match[1] as 'room' | 'game', id: match[2]! };
}

export function placeUrl(place: Place): string {
  return place.view === 'lobby' ? '#/' : `#/${place.view}/${place.id}`;
}

class Router extends Observable {
  place: Place = parsePlace(location.hash);

  constructor() {
    super();
    addEventListener('hashchange', () => {
      this.place = parsePlace(location.hash);
      this.changed();
    });
  }

  go(place: Place): void {
    location.hash = placeUrl(place);
  }
}

export const createRouter = (): Router => new Router();
export type { Router };
