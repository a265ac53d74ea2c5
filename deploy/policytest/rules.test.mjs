import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rules } from './rules.mjs';
import { allTemplates, parametersOf } from './stacks.mjs';

const templates = allTemplates();

for (const [number, { what, check }] of Object.entries(rules)) {
  test(`${number}: ${what}`, async () => assert.deepEqual(await check(templates), []));
}

const statementOf = (t, template, resource, property) => t[template].Resources[resource].Properties[property].Statement;
const policy = (t) => statementOf(t, 'hub.yaml', 'ConsumerPolicy', 'PolicyDocument');
// planted are faults, each with the rule that must find it and the resource that the rule must name.
const planted = [
  [
    'T5',
    'ConsumerPolicy',
    (t) => {
      policy(t).push({ Sid: 'P', Effect: 'Allow', Action: 'kinesis:GetRecords', Resource: '*' });
    },
  ],
  [
    'T17',
    'ConsumerPolicy',
    (t) => {
      policy(t)[0].Action = 'kinesis:GetRecordz';
    },
  ],
  [
    'T18',
    'ConsumerPolicy',
    (t) => {
      policy(t)[0].Condition = { StringEquals: { 'aws:PrincipleOrgID': 'o-1' } };
    },
  ],
  [
    'T18',
    'ConsumerPolicy',
    (t) => {
      policy(t)[0].Condition = { StringEquals: { 'kms:ViaService': 'x' } };
    },
  ],
  [
    'T19',
    'ConsumerPolicy',
    (t) => {
      policy(t)[0].Resource = { 'Fn::Sub': 'arn:aws:kinesis:x:y:${!aws:PrincipleAccount}' };
    },
  ],
  [
    'T22',
    'StreamPolicy',
    (t) => {
      const [first] = statementOf(t, 'hub.yaml', 'StreamPolicy', 'ResourcePolicy');
      statementOf(t, 'hub.yaml', 'StreamPolicy', 'ResourcePolicy').push(...Array.from({ length: 8 }, () => first));
    },
  ],
  [
    'T42',
    'StreamPolicy',
    (t) => {
      t['hub.yaml'].Conditions.Never = { 'Fn::Equals': ['a', 'b'] };
      t['hub.yaml'].Resources.StreamPolicy.Condition = 'Never';
    },
  ],
  [
    'T43',
    'Failures',
    (t) => {
      t['hub.yaml'].Resources.Failures.Condition = 'HasEmail';
    },
  ],
];
for (const [number, resource, plant] of planted) {
  test(`${number} finds a planted fault in ${resource}`, async () => {
    const broken = structuredClone(templates);
    plant(broken);
    const found = await rules[number].check(broken);
    assert.ok(
      found.some((finding) => finding.includes(resource)),
      JSON.stringify(found),
    );
  });
}

test('the stacks differ in the receiver, the network and the reader', () => {
  assert.ok(parametersOf('hub.yaml', templates['hub.yaml']).length > 12);
});
