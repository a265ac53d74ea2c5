// The rows of rows.txt on the templates, and what was decided when somebody last looked.
import fs from 'node:fs';
import { loadTemplate, variants } from './deployments.mjs';
import { bind, evaluate, prepare, rows } from './evaluate.mjs';

export const templates = Object.fromEntries(
  ['hub.yaml', 'spoke.yaml', 'spoke-region.yaml', 'athena.yaml', 'dashboards.json'].map((name) => [
    name,
    loadTemplate(name),
  ]),
);
export const worlds = Object.fromEntries(
  Object.keys(variants).map((variant) => [variant, prepare(templates, variant)]),
);

// bound are the rows with the requests and policies that they are about.
export const bound = rows.map((row) => ({ row, ...about(row, () => bind(row, worlds[row.variant])) }));

// decisions returns what is decided of each row, in order.
export async function decisions() {
  const all = [];
  for (const one of bound)
    all.push(
      await evaluate(one).catch((error) =>
        about(one.row, () => {
          throw error;
        }),
      ),
    );
  return all;
}

// about names the row in what goes wrong with it.
function about(row, act) {
  try {
    return act();
  } catch (error) {
    throw Error(`rows.txt:${row.line}: ${row.text}: ${error.message}`);
  }
}

// golden.txt has a line for each row: both sides, the identity alone, the resource alone.
export const goldenFile = new URL('golden.txt', import.meta.url);
export const asGolden = (all) => bound.map(({ row }, i) => `${all[i].join(' ')} | ${row.text}\n`).join('');
