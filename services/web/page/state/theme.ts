/** Light, dark, or what the system says. */

const KEY = 'breakwater.theme';

export function applyStoredTheme(): void {
  const theme = localStorage.getItem(KEY);
  if (theme !== null) document.documentElement.dataset.theme = theme;
}

export function isDark(): boolean {
  const chosen = document.documentElement.dataset.theme;
  return chosen === undefined ? matchMedia('(prefers-color-scheme: dark)').matches : chosen === 'dark';
}

export function toggleTheme(): void {
  const theme = isDark() ? 'light' : 'dark';
  localStorage.setItem(KEY, theme);
  document.documentElement.dataset.theme = theme;
}
