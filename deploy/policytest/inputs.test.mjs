// Bad input is refused by the templates themselves, with the reason, before anything is made.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accounts, hubStack, loadTemplate, spokeStack } from './deployments.mjs';

const hub = loadTemplate('hub.yaml');
const spoke = loadTemplate('spoke.yaml');
const made = hubStack(hub);

const refused = {
  hub: [
    [{ OrganizationId: 'o-exampleorgid' }, /OrganizationId is an example/],
    [{ OrganizationId: '' }, /parameter OrganizationId/],
    [{ OrganizationId: 'YOUR_ORGANIZATION_ID' }, /parameter OrganizationId/],
    [{ S3BucketName: 'My-Archive' }, /parameter S3BucketName/],
    [{ S3BucketName: 'e.g my-organizations-bucket' }, /parameter S3BucketName/],
    [{ SenderAccounts: 'e.g 123456789012' }, /parameter SenderAccounts/],
    [{ SenderAccounts: '111122223333, 222233334444' }, /parameter SenderAccounts/],
    [{ VpcId: 'vpc-12345678', SubnetIds: '', RouteTableIds: '' }, /VpcId is given without SubnetIds/],
    [{ VpcId: 'vpc-12345678', RouteTableIds: '' }, /VpcId is given without RouteTableIds/],
    [{ SubnetIds: 'subnet-12345678' }, /SubnetIds are given without VpcId/],
    [{ RouteTableIds: 'rtb-12345678' }, /RouteTableIds are given without VpcId/],
    [{ Receiver: 'EC2', DynamoDBPrefixListId: '' }, /need DynamoDBPrefixListId/],
    [{ Receiver: 'lambda' }, /parameter Receiver/],
    [{ DatabaseMinCapacity: '0.7' }, /parameter DatabaseMinCapacity/],
    [{ DatabaseMaxCapacity: '300' }, /parameter DatabaseMaxCapacity/],
    [{ StreamRetentionHours: 24 }, /parameter StreamRetentionHours/],
    [{ BackupRetentionDays: 1 }, /parameter BackupRetentionDays/],
    [{ HubZipSha256: 'latest' }, /parameter HubZipSha256/],
    [{ AlarmEmail: 'nobody' }, /parameter AlarmEmail/],
  ],
  spoke: [
    [{ StreamArn: 'hub' }, /parameter StreamArn/],
    [{ AnalyticsKMSKey: 'alias/archive' }, /parameter AnalyticsKMSKey/],
    [{ S3Bucket: 's3://archive' }, /parameter S3Bucket/],
    [{ HomeRegion: 'us-east-1' }, /This is not HomeRegion/],
    [{ Regions: 'eu-central-1, us-east-1' }, /parameter Regions/],
    [{ Runtime: 'None', TrustedPrincipalArn: '' }, /needs TrustedPrincipalArn/],
    [{ Runtime: 'None', ExternalId: 'short' }, /parameter ExternalId/],
    [{ TrustedPrincipalArn: 'arn:aws:iam::111122223333:role/runner' }, /TrustedPrincipalArn is for Runtime None/],
    [{ LocalAlarms: 'Yes', AlarmTopicArn: '' }, /LocalAlarms needs AlarmTopicArn/],
  ],
};
const make = {
  hub: (parameters) => hubStack(hub, parameters),
  spoke: (parameters) => spokeStack(spoke, made, accounts.A, parameters),
};

for (const [name, list] of Object.entries(refused)) {
  for (const [parameters, why] of list) {
    test(`${name}.yaml refuses ${JSON.stringify(parameters)}`, () => assert.throws(() => make[name](parameters), why));
  }
}

// No rule can take an ARN apart, so the role is what keeps rows from a stream of another account.
test('a spoke may not write to a stream of another account', () => {
  const stack = make.spoke({ StreamArn: `arn:aws:kinesis:eu-central-1:${accounts.X}:stream/s` });
  const [stream] = stack.resources.SendPolicy.Properties.PolicyDocument.Statement;
  assert.equal(stream.Resource, `arn:aws:kinesis:eu-central-1:${accounts.hub}:stream/s`);
});
