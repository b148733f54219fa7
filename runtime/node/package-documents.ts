/** The documents that the npm package brings: those for users, with links to what is in the package and to nothing else. */
import { cpSync, existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const DOCUMENTS = ['LICENSE', 'README.md', 'CHANGELOG.md', 'docs/guide', 'docs/performance.md'];

/** From `root`, the checkout, into `folder`, where the programs are already. */
export function copyDocuments(root: string, folder: string): void {
  for (const document of DOCUMENTS) cpSync(join(root, document), join(folder, document), { recursive: true });
  for (const file of globSync(['*.md', 'docs/**/*.md'], { cwd: folder })) {
    const path = join(folder, file);
    writeFileSync(path, relink(readFileSync(path, 'utf8'), dirname(path)));
  }
}

/** Fenced code, code, or a link in its two parts. */
const CODE_OR_LINK = /^```[^]*?^```|\[((?:`[^`]*`|[^\]`])*)\]\(([^)\s]+)\)|`[^`]*`/gm;

/** Sources are JavaScript in the package; of a link to what is only in the checkout the words stay. */
function relink(markdown: string, folder: string): string {
  return markdown.replaceAll(CODE_OR_LINK, (all, words: string | undefined, target = '') => {
    if (words === undefined || /^(?:[a-z]+:|#)/.test(target)) return all;
    const [path = '', anchor = ''] = target.split(/(?=#)/);
    const there = [path, path.replace(/\.ts$/, '.js')].find((each) => existsSync(join(folder, each)));
    return there === undefined ? words : `[${words}](${there}${anchor})`;
  });
}
