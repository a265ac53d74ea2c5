// The resolver is strict: what it does not know, and what CloudFormation refuses, is an error.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { load, resolve } from './cfn.mjs';
import { standIns } from './standins.mjs';

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'resolve-'));
after(() => fs.rmSync(dir, { recursive: true }));

const place = { account: '111122223333', region: 'eu-central-1', stack: 's' };
function make(text, options = {}) {
  const file = path.join(dir, 'template.yaml');
  fs.writeFileSync(file, text);
  const pseudo = { 'AWS::AccountId': place.account, 'AWS::Region': place.region, 'AWS::Partition': 'aws' };
  return resolve(load(file), { pseudo, standIn: standIns(place), ...options });
}
const topic = (value) => `
Parameters: { Name: { Type: String, Default: x }, Names: { Type: CommaDelimitedList, Default: "a,b" } }
Conditions: { Never: !Equals [a, b] }
Mappings: { M: { k: { v: found } } }
Resources:
  Queue: { Type: "AWS::SQS::Queue" }
  Absent: { Type: "AWS::SQS::Queue", Condition: Never }
  Topic: { Type: "AWS::SNS::Topic", Properties: { DisplayName: ${value} } }`;

const resolved = {
  '!Ref Name': 'x',
  '!GetAtt Queue.QueueName': 's-Queue',
  '!GetAtt [Queue, QueueName]': 's-Queue',
  '!Sub "${Name}/${Queue.QueueName}/${AWS::Region}/${!aws:PrincipalAccount}"':
    'x/s-Queue/eu-central-1/${aws:PrincipalAccount}',
  '!Sub ["${a}", {a: !Ref Name}]': 'x',
  '!Join ["-", !Ref Names]': 'a-b',
  '!If [Never, a, !Ref "AWS::NoValue"]': undefined,
  '!Select [1, !Split ["/", "a/b"]]': 'b',
  '!FindInMap [M, k, v]': 'found',
  '!Select [1, !Cidr ["10.0.0.0/24", 2, 6]]': '10.0.0.64/26',
  '!ImportValue other': 'exported',
};
for (const [text, want] of Object.entries(resolved)) {
  test(`${text} is ${want}`, () => {
    assert.deepEqual(
      make(topic(text), { imports: { other: 'exported' } }).resources.Topic.Properties.DisplayName,
      want,
    );
  });
}

const refused = {
  '!Ref Nothing': /there is no such parameter or resource/,
  '!GetAtt Nothing.Arn': /there is no resource Nothing/,
  '!GetAtt Queue.Nothing': /has no Nothing/,
  '!GetAtt Absent.Arn': /Absent is not made/,
  '!Sub "${Nothing}"': /Ref Nothing/,
  '!Sub "${Names}"': /is no text/,
  '!If [Nothing, a, b]': /there is no condition Nothing/,
  '!FindInMap [M, k, nothing]': /there is no M.k.nothing/,
  '!Select [2, !Ref Names]': /there is no element 2/,
  '!ImportValue nothing': /no stack exports nothing/,
  '!Transform x': /does not know this function/,
};
for (const [text, why] of Object.entries(refused)) {
  test(`${text} is refused`, () => assert.throws(() => make(topic(text)), why));
}

test('a parameter that does not exist is refused', () => {
  assert.throws(() => make(topic('a'), { parameters: { Nothing: 'x' } }), /there is no parameter Nothing/);
});

test('a block of conditions of IAM is no function', () => {
  const { resources } = make(topic('{Condition: {StringEquals: {"aws:PrincipalAccount": !Ref Name}}}'));
  assert.deepEqual(resources.Topic.Properties.DisplayName, {
    Condition: { StringEquals: { 'aws:PrincipalAccount': 'x' } },
  });
});
