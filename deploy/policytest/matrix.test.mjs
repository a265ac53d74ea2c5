import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';
import { asGolden, bound, decisions, goldenFile } from './matrix.mjs';

const decided = await decisions();

test(`each of ${bound.length} rows is decided as it says`, () => {
  const differ = bound
    .filter(({ row }, i) => (decided[i][0] === 'Allowed') !== (row.result === 'allow'))
    .map(({ row }) => `rows.txt:${row.line}: ${row.text}`);
  assert.deepEqual(differ, [], 'these rows are decided otherwise: change the policies, or the row if it is wrong');
});

test('no side of a row hides the other', () => {
  assert.equal(
    asGolden(decided),
    fs.readFileSync(goldenFile, 'utf8'),
    'what a policy allows has changed: run "npm run golden --prefix deploy/policytest" and read the difference',
  );
});

test('no row stands there twice', () => {
  const texts = bound.map(({ row }) => `${row.variant} ${row.text}`);
  assert.deepEqual(
    texts.filter((text, i) => texts.indexOf(text) !== i),
    [],
  );
});
