/** With which flags Deno runs our programs. */
export const FLAGS = { peerage: ['--no-prompt', '-A', '--unstable-no-legacy-abort'], tunnel: ['--no-prompt', '-A'] };
