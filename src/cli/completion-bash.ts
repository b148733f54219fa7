/** The completion script for bash (4 and later). */
import type { CompletionNode } from './completion-tree.ts';

export function bashCompletion(nodes: readonly CompletionNode[]): string {
  const paths = nodes.filter(({ path }) => path !== '').map(({ path }) => casePattern(path));
  const cases = nodes.map(({ path, words, options, interfaces }) => {
    const texts = [...words, ...options].map(({ text }) => text).join(' ');
    const names = interfaces === undefined ? '' : `files='${interfaces.files.join(' ')}' `;
    const rest = interfaces?.areMany === true ? 'rest=0 ' : '';
    return `    '${path}') ${names}${rest}candidates='${texts}' ;;`;
  });
  // compgen -W evaluates what it is given: hence only names that are plain.
  return `# Completion of peerage for bash.
_peerage_interfaces() {
  local file name
  for file in $1; do
    name="\${file##*/}" name="\${name%.*}"
    [[ "$name" =~ ^[a-zA-Z0-9_=+.-]{1,15}$ ]] && echo "$name"
  done
}
_peerage() {
  local at='' candidates='' files='' rest=0 i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$at \${COMP_WORDS[i]}" in
      ${paths.join(' | ')}) at="\${at:+$at }\${COMP_WORDS[i]}" ;;
      *' -'*) ;;
      *) rest=1 ;;
    esac
  done
  case "$at" in
${cases.join('\n')}
  esac
  ((rest)) || candidates+=" $(_peerage_interfaces "$files")"
  mapfile -t COMPREPLY < <(compgen -W "$candidates" -- "\${COMP_WORDS[COMP_CWORD]}")
}
complete -o bashdefault -o default -F _peerage peerage
`;
}

/** What `"$at $word"` is at this command: the first command has nothing before its space. */
function casePattern(path: string): string {
  return path.includes(' ') ? `'${path}'` : `' ${path}'`;
}
