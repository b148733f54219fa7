/** The completion script for fish. */
import type { CompletionNode } from './completion-tree.ts';

export function fishCompletion(nodes: readonly CompletionNode[]): string {
  const paths = nodes.filter(({ path }) => path !== '').map(({ path }) => `'${path}'`);
  const lines = nodes.flatMap(({ path, words, options, interfaces }) => {
    const here = `complete -c peerage -n '__peerage_is_at "${path}"'`;
    const first = interfaces?.areMany === true ? '' : ' first';
    return [
      ...words.map(({ text, description }) => `${here} -a ${quote(text)} -d ${quote(description)}`),
      ...options.map(({ text, description }) => `${here} ${optionName(text)} -d ${quote(description)}`),
      ...(interfaces?.files ?? []).map(
        (files) =>
          `complete -c peerage -n '__peerage_is_at "${path}"${first}' -a '(__peerage_interfaces ${files.replace('/*', ' ')})' -d interface`,
      ),
    ];
  });
  return `# Completion of peerage for fish.
function __peerage_is_at
  set -l at ''
  set -l rest 0
  for word in (commandline -opc)[2..-1]
    switch (string trim -- "$at $word")
      case ${paths.join(' ')}
        set at (string trim -- "$at $word")
      case '-*' '* -*'
      case '*'
        set rest 1
    end
  end
  test "$at" = "$argv[1]"; and begin
    test "$argv[2]" != first; or test $rest = 0
  end
end
function __peerage_interfaces
  for file in $argv[1]/*$argv[2]
    string replace -r '^.*/([^/]*)\\.[^.]*$' '$1' -- $file
  end
end
${lines.join('\n')}
`;
}

function optionName(text: string): string {
  return text.startsWith('--') ? `-l ${text.slice(2)}` : `-s ${text.slice(1)}`;
}

function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
