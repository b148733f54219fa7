import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createStyle, visibleLength } from '../../src/cli/style.ts';
import { formatTable } from '../../src/cli/table.ts';

const COLUMNS = [{ title: 'Host' }, { title: 'Bytes', align: 'right' }, { title: 'Addresses' }] as const;
const ROWS = [
  ['dolores', '7', '10.195.171.142 fdc1:d89e:b128:6a04::7de4'],
  ['charlotte', '1234567', '10.195.171.241 fdc1:d89e:b128:6a04::29ab'],
];

describe('formatTable', () => {
  it('aligns its columns and leaves no spaces at the ends', () => {
    assert.equal(
      formatTable(COLUMNS, ROWS, Infinity),
      `Host         Bytes  Addresses
dolores          7  10.195.171.142 fdc1:d89e:b128:6a04::7de4
charlotte  1234567  10.195.171.241 fdc1:d89e:b128:6a04::29ab
`,
    );
  });

  it('folds the widest cells between words until it fits', () => {
    assert.equal(
      formatTable(COLUMNS, ROWS, 50),
      `Host         Bytes  Addresses
dolores          7  10.195.171.142
                    fdc1:d89e:b128:6a04::7de4
charlotte  1234567  10.195.171.241
                    fdc1:d89e:b128:6a04::29ab
`,
    );
  });

  it('never cuts a word, however narrow the terminal', () => {
    const text = formatTable(COLUMNS, ROWS, 10);
    for (const word of ROWS.flat().flatMap((cell) => cell.split(' '))) assert.ok(text.includes(word), word);
  });

  it('leaves out what may go before it gives up the table', () => {
    const columns = [{ title: 'Host' }, { title: 'Bytes', isExtra: true }, { title: 'Addresses' }];
    const text = `Host       Addresses
dolores    10.195.171.142
           fdc1:d89e:b128:6a04::7de4
charlotte  10.195.171.241
           fdc1:d89e:b128:6a04::29ab
`;
    assert.equal(formatTable(columns, ROWS, 40), text);
    assert.match(formatTable(columns, ROWS, 45), /^Host +Bytes +Addresses/);
    assert.match(formatTable(columns, ROWS, 30), /^Host +dolores\nAddresses +10/);
  });

  it('puts the cells of a row below each other where the words do not fit beside each other', () => {
    assert.equal(
      formatTable(COLUMNS, ROWS, 40),
      `Host       dolores
Bytes      7
Addresses  10.195.171.142
           fdc1:d89e:b128:6a04::7de4

Host       charlotte
Bytes      1234567
Addresses  10.195.171.241
           fdc1:d89e:b128:6a04::29ab
`,
    );
    const lines = formatTable(COLUMNS, ROWS, 40).split('\n');
    assert.ok(lines.every((line) => visibleLength(line) <= 40));
  });

  it('does not count colours', () => {
    const { red } = createStyle(true);
    const [plain, coloured] = [ROWS, ROWS.map((row) => row.map(red))].map((rows) => formatTable(COLUMNS, rows, 50));
    assert.equal(visibleLength(coloured!.replaceAll('\n', '')), plain!.replaceAll('\n', '').length);
  });

  it('counts columns of the screen, not characters', () => {
    for (const [text, columns] of [
      ['é', 1],
      ['e\u0301', 1],
      ['東京', 4],
      ['サーバ', 6],
      ['서울', 4],
      ['ﾊﾝ', 2],
      ['🚀', 2],
      ['👩‍🚀', 2],
      ['a\u200Bb', 2],
      ['→ x', 3],
    ] as const)
      assert.equal(visibleLength(text), columns, text);
    assert.equal(
      formatTable(
        [{ title: 'A' }, { title: 'B' }],
        [
          ['東京', '1'],
          ['ab', '2'],
        ],
        80,
      ),
      'A     B\n東京  1\nab    2\n',
    );
  });

  it('shows the titles alone when there are no rows', () => {
    assert.equal(formatTable([{ title: 'Host' }], [], 80), 'Host\n');
  });
});

describe('createStyle', () => {
  it('changes nothing when nobody is looking', () => {
    assert.equal(createStyle(false).red('error'), 'error');
    assert.notEqual(createStyle(true).red('error'), 'error');
  });
});
