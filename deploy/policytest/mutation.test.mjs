import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';
import { parse } from 'yaml';
import { decisions } from './matrix.mjs';
import { decidedWith, mutants, noticed } from './mutants.mjs';

// survivors.yaml lists the mutants that no row notices, with the reason. "twin" names another mutant: the fault counts
// only beside that one, so both are made, and a row must notice.
const survivors = parse(fs.readFileSync(new URL('survivors.yaml', import.meta.url), 'utf8')) ?? {};
const all = mutants();
const decided = await decisions();

test(`each of ${all.length} mutants is noticed, or listed with its reason`, async (t) => {
  const alive = [];
  for (const mutant of all) if (!(await noticed([mutant], decided))) alive.push(mutant.name);
  t.diagnostic(`${all.length - alive.length} of ${all.length} noticed, ${alive.length} survive`);
  assert.deepEqual(
    alive.filter((name) => !survivors[name]?.reason),
    [],
    'write a row that notices the fault, or list it in survivors.yaml with the reason',
  );
  assert.deepEqual(
    Object.keys(survivors).filter((name) => !alive.includes(name)),
    [],
    'these are noticed or do not exist: take them off survivors.yaml',
  );
  const open = alive.filter((name) => !survivors[name].equivalent && !survivors[name].twin);
  assert.ok(
    open.length <= 0.05 * (all.length - alive.length + open.length),
    `more than 5 % survive that change something: ${open}`,
  );
});

for (const [name, { twin }] of Object.entries(survivors).filter(([, survivor]) => survivor.twin)) {
  test(`${name} is noticed beside ${twin}`, async () => {
    const [one, other] = [name, twin].map((wanted) => all.find((mutant) => mutant.name === wanted));
    assert.ok(other, `there is no mutant ${twin}`);
    assert.ok(await noticed([one, other], await decidedWith([other], decided)));
  });
}
