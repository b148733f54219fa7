/** The requests that the curl commands of the documents make of a registry. */
import { fencedLines, type Document, type Line } from './markdown.ts';

export interface CurlCall {
  readonly line: Line;
  readonly method: string;
  readonly url: URL;
  /** What is sent, as JSON or by the names of a form. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** What another program prints is sent, which curl calls a form. */
  readonly isPiped: boolean;
  /** `-H 'Name: value'`, and `-H @FILE` as `@FILE`. */
  readonly headers: readonly string[];
}

export function curlCalls(document: Document): CurlCall[] {
  return fencedLines(document).flatMap((line) => {
    const [, address, rest = ''] = /\bcurl [^|]*?'?(https:\/\/vpn\.example\.net[^\s'|]*)(.*)/.exec(line.text) ?? [];
    if (address === undefined) return [];
    const form = [...rest.matchAll(/--data-urlencode "?(\w+)=/g)].map((match) => [match[1]!, ''] as const);
    const [, json] = /--json '([^']*)'/.exec(rest) ?? [];
    const fields = json === undefined ? Object.fromEntries(form) : (JSON.parse(json) as Record<string, unknown>);
    const isPiped = / --data-binary @-/.test(line.text);
    const hasBody = json !== undefined || form.length > 0 || isPiped;
    const method = /-X ([A-Z]+)/.exec(line.text)?.[1] ?? (hasBody ? 'POST' : 'GET');
    const headers = [...rest.matchAll(/-H (?:'([^']*)'|"([^"]*)"|(\S+))/g)].map((match) => match.slice(1).join(''));
    return [{ line, method, url: new URL(address), fields, isPiped, headers }];
  });
}
