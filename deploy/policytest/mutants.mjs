// Mutants of the policies: each has one fault that somebody could make. A fault that no row notices is one that nobody
// would notice.
import { evaluate } from './evaluate.mjs';
import { bound, templates, worlds } from './matrix.mjs';

// stacksOf a template, by the names in a world.
const stacksOf = {
  'hub.yaml': ['hub'],
  'spoke.yaml': ['spokeA', 'spokeB', 'roleA'],
  'spoke-region.yaml': ['regionA'],
  'athena.yaml': ['athena'],
  'dashboards.json': ['dashboards'],
};
const nothing = 'sts:GetCallerIdentity';

// mutants returns {name, template, resource, change}: change alters the statement at a path of the resource.
export function mutants() {
  const found = [];
  for (const [template, { Resources }] of Object.entries(templates)) {
    for (const [resource, { Properties }] of Object.entries(Resources)) {
      walk(Properties, [], (statement, path) => {
        const name = `${template} ${resource} ${statement.Sid ?? path.at(-1)}`;
        for (const [what, change] of faults(statement))
          found.push({ name: `${name}: ${what}`, template, resource, path, change });
      });
    }
  }
  return found;
}

// isGenerated are statements of actions that read, compared one by one with those of the programs by a rule (T16).
const isGenerated = (statement) => /^Collect/.test(statement.Sid ?? '');

function walk(node, path, visit) {
  if (node === null || typeof node !== 'object') return;
  if (node.Effect && node.Action) {
    if (!isGenerated(node)) visit(node, path);
    return;
  }
  for (const [key, child] of Object.entries(node)) walk(child, [...path, key], visit);
}

function faults(statement) {
  const list = [];
  for (const [operator, keys] of Object.entries(statement.Condition ?? {})) {
    for (const key of Object.keys(keys))
      list.push([
        `without ${operator} ${key}`,
        (s) => {
          delete s.Condition[operator][key];
        },
      ]);
  }
  if (statement.Effect === 'Deny') {
    list.push([
      'removed',
      (s) => {
        s.Action = nothing;
      },
    ]);
    return list;
  }
  const services = new Set([statement.Action].flat().map((action) => action.split(':')[0]));
  for (const service of services)
    list.push([
      `${service}:*`,
      (s) => {
        s.Action = [s.Action, `${service}:*`].flat();
      },
    ]);
  list.push([
    'removed',
    (s) => {
      s.Action = nothing;
    },
  ]);
  if (statement.Resource && statement.Resource !== '*')
    list.push([
      'any resource',
      (s) => {
        s.Resource = '*';
      },
    ]);
  if (statement.Principal?.AWS && statement.Principal.AWS !== '*')
    list.push([
      'any principal',
      (s) => {
        s.Principal = { AWS: '*' };
      },
    ]);
  return list;
}

const removeEmpty = (statement) => {
  for (const [operator, keys] of Object.entries(statement.Condition ?? {}))
    if (!Object.keys(keys).length) delete statement.Condition[operator];
  if (statement.Condition && !Object.keys(statement.Condition).length) delete statement.Condition;
};

// changed returns the rows that the mutants concern, with the policies that they change in place of the real ones.
function changed(list) {
  const properties = {}; // by template and resource
  for (const { template, resource, path, change } of list) {
    const place = `${template} ${resource}`;
    properties[place] ??= structuredClone(templates[template].Resources[resource].Properties);
    const statement = path.reduce((node, key) => node[key], properties[place]);
    change(statement);
    removeEmpty(statement);
  }
  const cache = new Map();
  const replace = (variant, found) => {
    if (!found?.stack) return found;
    const [template] = Object.entries(stacksOf).find(([, stacks]) => stacks.includes(found.stack));
    const [resource, ...property] = found.id.split('.');
    const mutated = properties[`${template} ${resource}`];
    if (!mutated) return found;
    const key = `${variant} ${found.stack} ${found.id}`;
    if (!cache.has(key)) {
      cache.set(key, {
        ...found,
        document: worlds[variant][found.stack].value(property.reduce((node, name) => node[name], mutated)),
      });
    }
    return cache.get(key);
  };
  return bound.flatMap((one, index) => {
    const next = {
      ...one,
      identity: one.identity.map((found) => replace(one.row.variant, found)),
      policy: replace(one.row.variant, one.policy),
      endpoint: replace(one.row.variant, one.endpoint),
    };
    const isSame =
      next.policy === one.policy &&
      next.endpoint === one.endpoint &&
      next.identity.every((found, i) => found === one.identity[i]);
    return isSame ? [] : [{ index, next }];
  });
}

// noticed returns the first row that is decided otherwise with the mutants than without them, or null. "without" is
// what was decided of each row.
export async function noticed(list, without) {
  for (const { index, next } of changed(list)) {
    const is = await evaluate(next);
    if (is.join() !== without[index].join()) return next.row;
  }
  return null;
}

// decidedWith returns what is decided of each row with the mutants.
export async function decidedWith(list, without) {
  const all = [...without];
  for (const { index, next } of changed(list)) all[index] = await evaluate(next);
  return all;
}
