export const game = 'not a game';
