// Decides rows of the matrix with iam-simulate, an evaluator of IAM policies that others wrote.
import { loadPolicy } from '@cloud-copilot/iam-policy';
import { runSimulation } from '@cloud-copilot/iam-simulate';
import fs from 'node:fs';
import { parse } from 'yaml';
import { accounts, organization, region, variants, worldOf } from './deployments.mjs';

// The engine behind runSimulation, which drops the keys kms:EncryptionContext:*. It is no part of the public interface:
// package-lock.json pins the version.
const engine = (file) =>
  import(new URL(`./node_modules/@cloud-copilot/iam-simulate/dist/esm/${file}`, import.meta.url));
const { authorize } = await engine('core_engine/CoreSimulatorEngine.js');
const { AwsRequestImpl } = await engine('request/request.js');
const { RequestContextImpl } = await engine('requestContext.js');
const { DiscoveryContextKeyConstraints } = await engine('context_keys/discoveryContextKeyConstraints.js');

const people = parse(fs.readFileSync(new URL('who.yaml', import.meta.url), 'utf8'));

const allow = (statement) => ({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: '*', Resource: '*', ...statement }],
});
const everything = allow({});
const delegatesTo = (account) => allow({ Principal: { AWS: `arn:aws:iam::${account}:root` } });
// foreign are keys of others that let the IAM of accounts decide: what a policy grants beyond our own keys shows there.
const foreignKey = (owner, id, users) => ({
  owner: accounts[owner],
  arn: `arn:aws:kms:${region}:${accounts[owner]}:key/${id}`,
  policy: allow({ Principal: { AWS: users.map((user) => `arn:aws:iam::${accounts[user]}:root`) }, Action: 'kms:*' }),
});
const foreign = {
  OtherKey: foreignKey('hub', '99999999-9999-9999-9999-999999999999', ['hub', 'A']),
  OwnKey: foreignKey('A', '1234', ['A']), // of account A: the key of its pseudonyms
};

// rows are those of rows.txt: result | who | action | resource | context. [EC2] begins the rows of a variant of the
// hub. Lines that begin with # are comments.
export const rows = readRows(fs.readFileSync(new URL('rows.txt', import.meta.url), 'utf8'));

function readRows(file) {
  const found = [];
  let variant = 'Lambda';
  for (const [index, text] of file
    .split('\n')
    .map((line) => line.trim())
    .entries()) {
    const section = text.match(/^\[(\w+)\]$/);
    if (section) variant = section[1];
    if (section || !text || text.startsWith('#')) continue;
    const line = index + 1;
    const [result, who, action, resource, context, ...rest] = text.split('|').map((field) => field.trim());
    if (!['allow', 'deny'].includes(result) || context === undefined || rest.length || !(variant in variants)) {
      throw Error(
        `rows.txt:${line}: a row is result | who | action | resource | context, below one of [${Object.keys(variants)}]`,
      );
    }
    const pairs = context
      .split(/\s+/)
      .filter(Boolean)
      .map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]);
    found.push({ text, line, variant, result, who, action, resource, context: Object.fromEntries(pairs) });
  }
  return found;
}

// named are the types of resources that policies name by Ref, or by the ARN.
const named = {
  Ref: ['AWS::IAM::Role', 'AWS::S3::Bucket', 'AWS::SQS::Queue', 'AWS::SNS::Topic', 'AWS::SecretsManager::Secret'],
  Arn: ['AWS::Kinesis::Stream'],
};

// documentsOf finds the policies of a stack that rows are decided by: for each resource its own policy, for each role
// its trust and its policies, and each policy of identities by itself. Ids say where a document stands: "Id.Property".
function documentsOf(stack) {
  const byResource = {},
    trust = {},
    byRole = {},
    byPolicy = {};
  const place = (id, property) => ({ id: `${id}.${property}`, document: stack.resources[id].Properties[property] });
  // A policy may be for a role that is not of the stack.
  const attach = (id, roles) => {
    byPolicy[id] = place(id, 'PolicyDocument');
    for (const role of roles.map((name) => idOf('Ref', name)).filter(Boolean)) (byRole[role] ??= []).push(byPolicy[id]);
  };
  const idOf = (attribute, value) =>
    Object.keys(stack.resources).find(
      (id) => named[attribute].includes(stack.resources[id].Type) && stack.attribute(id, attribute) === value,
    );
  for (const [id, { Type, Properties: p }] of Object.entries(stack.resources)) {
    switch (Type) {
      case 'AWS::KMS::Key':
        byResource[id] = place(id, 'KeyPolicy');
        break;
      case 'AWS::Kinesis::ResourcePolicy':
        byResource[idOf('Arn', p.ResourceArn)] = place(id, 'ResourcePolicy');
        break;
      case 'AWS::S3::BucketPolicy':
        byResource[idOf('Ref', p.Bucket)] = place(id, 'PolicyDocument');
        break;
      case 'AWS::SQS::QueuePolicy':
        for (const queue of p.Queues) byResource[idOf('Ref', queue)] = place(id, 'PolicyDocument');
        break;
      case 'AWS::SNS::TopicPolicy':
        for (const topic of p.Topics) byResource[idOf('Ref', topic)] = place(id, 'PolicyDocument');
        break;
      case 'AWS::SecretsManager::ResourcePolicy':
        byResource[idOf('Ref', p.SecretId)] = place(id, 'ResourcePolicy');
        break;
      case 'AWS::ECR::Repository':
        if (p.RepositoryPolicyText) byResource[id] = place(id, 'RepositoryPolicyText');
        break;
      case 'AWS::EC2::VPCEndpoint':
        byResource[id] = place(id, 'PolicyDocument');
        break;
      case 'AWS::IAM::RolePolicy':
        attach(id, [p.RoleName]);
        break;
      case 'AWS::IAM::ManagedPolicy':
        attach(id, p.Roles ?? []);
        break;
      case 'AWS::IAM::Role':
        trust[id] = place(id, 'AssumeRolePolicyDocument');
        // AWS's own policies are for its own services.
        if (p.Policies || p.ManagedPolicyArns?.some((policy) => !policy.startsWith('arn:aws:iam::aws:'))) {
          throw Error(`${id} has policies of its own: write AWS::IAM::RolePolicy, which is judged`);
        }
    }
  }
  return { byResource, trust, byRole, byPolicy };
}

// prepare resolves the templates in a variant and finds its documents.
export function prepare(templates, variant) {
  const world = worldOf(templates, variant);
  return {
    ...world,
    documents: Object.fromEntries(Object.entries(world).map(([name, stack]) => [name, documentsOf(stack)])),
  };
}

// bind says what a row is about in a world: the request, the policies that decide it, and where these stand.
export function bind(row, world) {
  const isService = row.who.endsWith('.amazonaws.com');
  const person = isService ? {} : people[row.who];
  if (!person) throw Error(`who.yaml has no ${row.who}`);
  const stack = person.stack && world[person.stack];
  const account = isService ? '' : stack ? stack.account : accounts[person.account];
  const arn = isService
    ? row.who
    : person.role
      ? stack.attribute(person.role, 'Arn')
      : `arn:aws:iam::${account}:role/${person.name}`;

  const identity = isService ? [] : policiesOf(person, world);
  const endpoint = row.context['aws:SourceVpce']?.slice(1);
  const { owner, resource, policy } = resourceOf(row.resource, person, account, world);
  const context = { 'aws:SecureTransport': 'true', 'aws:PrincipalIsAWSService': String(isService) };
  if (owner) context['aws:ResourceAccount'] = owner;
  if (!isService) {
    Object.assign(context, { 'aws:PrincipalAccount': account, 'aws:PrincipalArn': arn });
    if (row.action.startsWith('kms:') && resource !== '*') context['kms:CallerAccount'] = account;
    if (person.organization !== 'none') context['aws:PrincipalOrgID'] = person.organization ?? organization;
  }
  for (const [key, text] of Object.entries(row.context)) {
    context[key] = text.startsWith('@') ? resourceOf(text, person, account, world).resource : text;
  }
  return {
    request: {
      principal: arn,
      action: row.action,
      resource: { resource, accountId: owner },
      contextVariables: context,
    },
    isService,
    account,
    identity,
    policy,
    endpoint: endpoint && { stack: 'hub', ...world.documents.hub.byResource[endpoint] },
  };
}

function policiesOf(person, world) {
  if (person.policies === 'all') return [{ id: 'all', document: everything }];
  if (person.policies === 'none') return [];
  const { byRole, byPolicy } = world.documents[person.stack];
  const own = (person.role ? (byRole[person.role] ?? []) : [byPolicy[person.policy]]).map((found) => ({
    stack: person.stack,
    ...found,
  }));
  return person.policies === 'more' ? [...own, { id: 'all', document: everything }] : own;
}

// resourceOf reads the third field of a row:
//   @Stream, @Archive/key      a resource of the hub and what follows its ARN, or a stack's: @spokeA:Logs
//   @db/user                   a user of the hub's database
//   trust:hub:ConsumerRole     a role, by its trust policy; trust:spoke:Role is account A's, trust:regionA:Role …
//   @OtherKey                  a key of others
//   anything else              itself, in the account of who asks
function resourceOf(text, person, account, world) {
  const trust = text.match(/^trust:(\w+):(\w+)$/);
  if (trust) {
    const name = trust[1] === 'spoke' ? 'spokeA' : trust[1];
    const stack = world[name];
    const policy = world.documents[name].trust[trust[2]];
    if (!policy) throw Error(`${trust[1]} has no role ${trust[2]}`);
    return { owner: stack.account, resource: stack.attribute(trust[2], 'Arn'), policy: { stack: name, ...policy } };
  }
  const match = text.match(/^@(?:(hub|spokeA|spokeB|roleA|regionA|athena|dashboards):)?(\w+)(.*)$/);
  if (!match) return { owner: account, resource: text };
  const [, stackName = 'hub', id, suffix] = match;
  if (id in foreign)
    return { owner: foreign[id].owner, resource: foreign[id].arn, policy: { id, document: foreign[id].policy } };
  const stack = world[stackName];
  if (id === 'db') {
    const cluster = stack.attribute('Database', 'DBClusterResourceId');
    return { owner: stack.account, resource: `arn:aws:rds-db:${region}:${stack.account}:dbuser:${cluster}${suffix}` };
  }
  const policy = world.documents[stackName].byResource[id];
  return {
    owner: stack.account,
    resource: arnOf(stack, id, suffix) + suffix,
    policy: policy && { stack: stackName, ...policy },
  };
}

// arnAttributes are those that an ARN, or what stands for it in a policy, is called by.
const arnAttributes = {
  'AWS::SNS::Topic': 'TopicArn',
  'AWS::SecretsManager::Secret': 'Id',
  'AWS::EC2::VPCEndpoint': 'Id',
};

// arnOf a resource. That of a log group ends in :*, which a stream of it takes the place of.
function arnOf(stack, id, suffix) {
  const type = stack.resources[id]?.Type;
  const arn = stack.attribute(id, arnAttributes[type] ?? 'Arn');
  return suffix.startsWith(':') || type === 'AWS::Logs::LogGroup' ? arn.replace(/:\*$/, '') : arn;
}

// decide evaluates a request and returns the evaluator's word: Allowed, ImplicitlyDenied or ExplicitlyDenied. An action
// that does not exist, a policy with a fault and a condition key that has no meaning for the action are errors.
async function decide({ request, endpoint }, identity, policy) {
  const simulation = {
    request,
    identityPolicies: identity.map(({ id, document }) => ({ name: id, policy: document })),
    serviceControlPolicies: [{ orgIdentifier: 'root', policies: [{ name: 'full', policy: everything }] }],
    resourceControlPolicies: [],
    resourcePolicy: policy?.document,
    vpcEndpointPolicies: endpoint && [{ name: endpoint.id, policy: endpoint.document }],
  };
  const result = await runSimulation(simulation, {});
  if (result.resultType === 'error') throw Error(JSON.stringify(result.errors));
  const ignored = (result.result ?? result.results[0])?.ignoredContextKeys ?? [];
  if (ignored.length === 0) return result.overallResult;
  if (ignored.every((key) => /^kms:encryptioncontext:/i.test(key))) return withAllKeys(simulation);
  throw Error(`the action does not know ${ignored}`);
}

// withAllKeys evaluates with the keys of an encryption context.
function withAllKeys({ request, identityPolicies, resourcePolicy, serviceControlPolicies }) {
  const read = ({ name, policy }) => loadPolicy(policy, { name });
  return authorize({
    request: new AwsRequestImpl(
      request.principal,
      request.resource,
      request.action,
      new RequestContextImpl(request.contextVariables),
    ),
    identityPolicies: identityPolicies.map(read),
    serviceControlPolicies: serviceControlPolicies.map(({ orgIdentifier, policies }) => ({
      orgIdentifier,
      policies: policies.map(read),
    })),
    resourceControlPolicies: [
      { orgIdentifier: 'root', policies: [read({ name: 'full', policy: allow({ Principal: '*' }) })] },
    ],
    resourcePolicy: resourcePolicy && read({ name: 'resource', policy: resourcePolicy }),
    permissionBoundaries: undefined,
    vpcEndpointPolicies: undefined,
    sessionPolicy: undefined,
    simulationParameters: {
      simulationMode: 'Strict',
      discoveryContextKeyConstraints: new DiscoveryContextKeyConstraints([]),
    },
    serviceSettings: { s3: {} },
  }).result;
}

// evaluate decides a bound row three times: with the policies of both sides, with those of the identity alone (the
// resource's policy then leaves the decision to the account of who asks), and with that of the resource alone. Across
// accounts both sides must allow, so in the first answer each hides what is wrong with the other.
export async function evaluate(bound) {
  const { isService, account, identity, policy } = bound;
  const both = await decide(bound, identity, policy);
  if (isService) return [both];
  const isReal = identity.some(({ stack }) => stack);
  return [
    both,
    isReal ? await decide(bound, identity, { document: delegatesTo(account) }) : '-',
    policy?.stack ? await decide(bound, [{ id: 'all', document: everything }], policy) : '-',
  ];
}
