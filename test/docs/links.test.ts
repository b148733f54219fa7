/** Links inside the documents lead somewhere. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, it } from 'node:test';
import { anchors, readDocuments, relativeLinks, ROOT } from './markdown.ts';

const documents = readDocuments();

describe('links in the documents', () => {
  for (const document of documents)
    it(`of ${document.file} name files and headings that are there`, () => {
      for (const { at, text } of relativeLinks(document)) {
        const [path = '', anchor] = text.split('#', 2);
        const target = path === '' ? document.file : normalize(join(dirname(document.file), path));
        assert.ok(existsSync(join(ROOT, target)), `${at}: ${text}: there is no ${target}`);
        if (anchor === undefined) continue;
        const linked = documents.find(({ file }) => file === target);
        assert.ok(linked !== undefined && anchors(linked).has(anchor), `${at}: ${text}: no such heading`);
      }
    });

  it('are found at all', () => {
    assert.ok(documents.flatMap(relativeLinks).length > 30);
  });
});
