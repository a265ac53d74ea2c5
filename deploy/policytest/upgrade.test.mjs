import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';
import { load } from './cfn.mjs';
import { loadTemplate, templateNames, templatePath } from './deployments.mjs';
import { harms } from './upgrade.mjs';

const released = templatePath('released/');
const versions = fs.existsSync(released)
  ? fs.readdirSync(released).sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
  : [];
const last = versions.at(-1);

for (const name of last ? fs.readdirSync(`${released}${last}`) : []) {
  test(`an update of ${name} from ${last} replaces nothing that holds state`, () => {
    assert.deepEqual(harms(load(`${released}${last}/${name}`), loadTemplate(name)), []);
  });
}

// Before the first release there is nothing to compare with, so that the comparison itself is what is tested.
const first = (template, type) => Object.entries(template.Resources).find(([, resource]) => resource.Type === type);
const planted = [
  [
    'renamed stream',
    (t) => {
      const [id, r] = first(t, 'AWS::Kinesis::Stream');
      r.Properties.Name = 'other';
      return `${id} (AWS::Kinesis::Stream): WILL_REPLACE`;
    },
  ],
  [
    'other name of the database',
    (t) => {
      const [id, r] = first(t, 'AWS::RDS::DBCluster');
      r.Properties.DatabaseName = 'x';
      return `${id} (AWS::RDS::DBCluster): WILL_REPLACE`;
    },
  ],
  [
    'other key of the lease table',
    (t) => {
      const [id, r] = first(t, 'AWS::DynamoDB::Table');
      r.Properties.KeySchema[0].AttributeName = 'Key';
      return `${id} (AWS::DynamoDB::Table): WILL_REPLACE`;
    },
  ],
  [
    'bucket taken out',
    (t) => {
      const [id, r] = first(t, 'AWS::S3::Bucket');
      r.DeletionPolicy = 'Delete';
      delete t.Resources[id];
      return `${id} (AWS::S3::Bucket): WILL_ORPHAN`;
    },
  ],
  [
    'parameter without a default',
    (t) => {
      t.Parameters.Planted = { Type: 'String' };
      return 'parameter Planted is new and has no default';
    },
  ],
  [
    'output taken away',
    (t) => {
      const name = Object.keys(t.Outputs)[0];
      delete t.Outputs[name];
      return `output ${name} is gone`;
    },
  ],
  [
    'longer backups',
    (t) => {
      first(t, 'AWS::RDS::DBCluster')[1].Properties.BackupRetentionPeriod = 35;
      return null;
    },
  ],
];
for (const [what, plant] of templateNames.includes('hub.yaml') ? planted : []) {
  test(`the comparison sees: ${what}`, () => {
    const next = loadTemplate('hub.yaml');
    const want = plant(next);
    assert.deepEqual(harms(loadTemplate('hub.yaml'), next), want ? [want] : []);
  });
}
