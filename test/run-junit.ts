/** Reads the JUnit files of the three test runners: one line per test, as far as counting needs it. */

export interface TestResult {
  /** Of the suites around it, outermost first, and the test itself. */
  readonly path: readonly string[];
  /** As the runner names it; Node 22 and Deno do not say. */
  readonly file: string | undefined;
  readonly outcome: 'passed' | 'failed' | 'skipped';
}

/** Tags with their attributes; not every runner escapes a `>` inside of a value. */
const TAG = /<(\/?)(testsuites?|testcase|failure|error|skipped)\b((?:[^">]|"[^"]*")*?)(\/?)>/g;

const OUTCOMES: Readonly<Record<string, TestResult['outcome']>> = {
  failure: 'failed',
  error: 'failed',
  skipped: 'skipped',
};

/** The tests of a file, without the suites that Deno lists beside their tests. */
export function parseJunit(xml: string): TestResult[] {
  const results: TestResult[] = [];
  const suites: string[] = [];
  let outcome: TestResult['outcome'] = 'passed';
  let attributes = '';
  const end = (): void => {
    const path = [...suites, attribute(attributes, 'name') ?? ''];
    results.push({ path, file: attribute(attributes, 'file'), outcome });
  };
  for (const [, closing, tag = '', rest = '', selfClosing] of xml.matchAll(TAG)) {
    if (tag === 'testcase') {
      if (!closing) [attributes, outcome] = [rest, 'passed'];
      if (closing || selfClosing) end();
    } else if (tag === 'testsuite') {
      if (closing) suites.pop();
      else if (!selfClosing) suites.push(attribute(rest, 'name') ?? '');
    } else if (!closing) outcome = OUTCOMES[tag] ?? outcome;
  }
  return withoutParents(results);
}

/** Deno lists `describe` and what is inside of it one beside the other, as `outer` and `outer > inner`. */
function withoutParents(results: readonly TestResult[]): TestResult[] {
  // Those that failed with a child, or passed with one; a parent that failed by itself is a failure to be told.
  const explained = new Set<string>();
  for (const { path, outcome } of results) {
    if (!path[0]?.startsWith('ext:deno_node')) continue;
    const steps = path.at(-1)!.split(' > ');
    for (let depth = 1; depth < steps.length; depth++) {
      const parent = steps.slice(0, depth).join(' > ');
      explained.add(`passed ${parent}`).add(`${outcome} ${parent}`);
    }
  }
  return results.filter(({ path, outcome }) => !explained.has(`${outcome} ${path.at(-1)}`));
}

function attribute(attributes: string, name: string): string | undefined {
  const value = new RegExp(`(?:^|\\s)${name}="([^"]*)"`).exec(attributes)?.[1];
  return value
    ?.replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&apos;', "'")
    .replaceAll('&amp;', '&');
}
