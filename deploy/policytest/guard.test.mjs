import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';
import { parse } from 'yaml';
import { hubStack, templatePath } from './deployments.mjs';
import { failures } from './guard.mjs';
import { allTemplates, receivers, stacksOf } from './stacks.mjs';

// accepted.yaml: a list of {template, rule, resources, reason, since}.
const accepted = parse(fs.readFileSync(templatePath('accepted.yaml'), 'utf8'));
const limit = 12;

const templates = allTemplates();
const hub = hubStack(templates['hub.yaml']);
for (const [name, template] of Object.entries(templates)) {
  test(`${name} follows AWS's Control Tower rules, but for accepted.yaml`, async () => {
    const stacks =
      name === 'hub.yaml'
        ? receivers.map((receiver) => hubStack(template, receiver))
        : stacksOf(name, template, hub).slice(0, 1);
    const mine = accepted
      .filter((entry) => entry.template === name)
      .map(({ rule, resources }) => [rule, [...resources].sort()]);
    assert.deepEqual(
      await failures(stacks),
      Object.fromEntries(mine),
      'mend the template, or accept the failure in accepted.yaml and say why',
    );
  });
}

test(`at most ${limit} failures are accepted, each with its reason`, () => {
  assert.ok(accepted.length <= limit, `${accepted.length} are accepted`);
  for (const { template, rule, reason, since } of accepted) {
    assert.ok(reason?.length > 20, `${template} ${rule} has no reason`);
    assert.match(String(since), /^\d{4}-\d{2}-\d{2}/, `${template} ${rule} does not say since when it is accepted`);
  }
});

test('a fault is found', async () => {
  const ingress = [{ IpProtocol: 'tcp', FromPort: 5432, ToPort: 5432, CidrIp: '0.0.0.0/0' }];
  const open = {
    Type: 'AWS::EC2::SecurityGroup',
    Properties: { GroupDescription: 'open', SecurityGroupIngress: ingress },
  };
  const broken = await failures([{ resources: { Open: open } }]);
  assert.ok(Object.values(broken).flat().includes('Open'), JSON.stringify(broken));
});
