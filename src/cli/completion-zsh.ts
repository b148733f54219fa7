/** The completion script for zsh: for a folder of fpath, or to be sourced. */
import type { Completion, CompletionNode } from './completion-tree.ts';

export function zshCompletion(nodes: readonly CompletionNode[]): string {
  const paths = nodes.filter(({ path }) => path !== '').map(({ path }) => `'${path}'`);
  const cases = nodes.map(({ path, words, options, interfaces }) => {
    const files = interfaces?.files.map((pattern) => `${pattern}(N)`).join(' ') ?? '';
    return `    '${path}')
      commands=(${words.map(describe).join(' ')})
      options=(${options.map(describe).join(' ')})
      interfaces=(${files}) ${interfaces?.areMany === true ? 'rest=0 ' : ''};;`;
  });
  return `#compdef peerage
_peerage() {
  local at='' next i expl rest=0
  local -a commands options
  local -aU interfaces
  for ((i = 2; i < CURRENT; i++)); do
    next="\${at:+$at }\${words[i]}"
    case "$next" in
      ${paths.join(' | ')}) at="$next" ;;
      -* | *' -'*) ;;
      *) rest=1 ;;
    esac
  done
  case "$at" in
${cases.join('\n')}
  esac
  interfaces=(\${interfaces:t:r})
  _describe -t commands command commands
  ((rest)) || _wanted interfaces expl interface compadd -a interfaces
  _describe -o -t options option options
  _files
}
if [[ "$funcstack[1]" == _peerage ]]; then _peerage "$@"; else compdef _peerage peerage; fi
`;
}

/** `text:description`, quoted; a colon of the text itself would end it. */
function describe({ text, description }: Completion): string {
  const pair = `${text.replaceAll(':', '\\:')}:${description}`;
  return `'${pair.replaceAll("'", `'\\''`)}'`;
}
