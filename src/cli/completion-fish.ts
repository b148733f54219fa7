/** The completion script for fish. */
import type { CompletionNode } from './completion-tree.ts';

export function fishCompletion(nodes: readonly CompletionNode[]): string {
  const paths = nodes.filter(({ path }) => path !== '').map(({ path }) => `'${path}'`);
  const lines = nodes.flatMap(({ path, words, options }) => {
    const here = `complete -c peerage -n '__peerage_is_at "${path}"'`;
    return [
      ...words.map(({ text, description }) => `${here} -a ${quote(text)} -d ${quote(description)}`),
      ...options.map(({ text, description }) => `${here} ${optionName(text)} -d ${quote(description)}`),
    ];
  });
  return `# Completion of peerage for fish.
function __peerage_is_at
  set -l at ''
  for word in (commandline -opc)[2..-1]
    switch (string trim -- "$at $word")
      case ${paths.join(' ')}
        set at (string trim -- "$at $word")
    end
  end
  test "$at" = "$argv[1]"
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
