/** The completion script for zsh: for a folder of fpath, or to be sourced. */
import type { Completion, CompletionNode } from './completion-tree.ts';

export function zshCompletion(nodes: readonly CompletionNode[]): string {
  const paths = nodes.filter(({ path }) => path !== '').map(({ path }) => `'${path}'`);
  const cases = nodes.map(
    ({ path, words, options }) => `    '${path}')
      commands=(${words.map(describe).join(' ')})
      options=(${options.map(describe).join(' ')}) ;;`,
  );
  return `#compdef peerage
_peerage() {
  local at='' next i
  local -a commands options
  for ((i = 2; i < CURRENT; i++)); do
    next="\${at:+$at }\${words[i]}"
    case "$next" in
      ${paths.join(' | ')}) at="$next" ;;
    esac
  done
  case "$at" in
${cases.join('\n')}
  esac
  _describe -t commands command commands
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
