/** The completion script for bash (4 and later). */
import type { CompletionNode } from './completion-tree.ts';

export function bashCompletion(nodes: readonly CompletionNode[]): string {
  const paths = nodes.filter(({ path }) => path !== '').map(({ path }) => casePattern(path));
  const cases = nodes.map(({ path, words, options }) => {
    const texts = [...words, ...options].map(({ text }) => text).join(' ');
    return `    '${path}') candidates='${texts}' ;;`;
  });
  return `# Completion of peerage for bash.
_peerage() {
  local at='' candidates='' i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$at \${COMP_WORDS[i]}" in
      ${paths.join(' | ')}) at="\${at:+$at }\${COMP_WORDS[i]}" ;;
    esac
  done
  case "$at" in
${cases.join('\n')}
  esac
  mapfile -t COMPREPLY < <(compgen -W "$candidates" -- "\${COMP_WORDS[COMP_CWORD]}")
}
complete -o bashdefault -o default -F _peerage peerage
`;
}

/** What `"$at $word"` is at this command: the first command has nothing before its space. */
function casePattern(path: string): string {
  return path.includes(' ') ? `'${path}'` : `' ${path}'`;
}
