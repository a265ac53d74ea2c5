// The stacks that the policies are judged in: parameters of the hub and of two spokes, and who is who.
import fs from 'node:fs';
import { parse } from 'yaml';
import { load, resolve } from './cfn.mjs';
import { standIns } from './standins.mjs';

export const region = 'eu-central-1';
const otherRegion = 'us-east-1'; // of spoke-region.yaml
export const organization = 'o-abc1234567';
export const accounts = { hub: '444455556666', A: '111122223333', B: '222233334444', X: '999988887777' };

const folder = new URL('../cloudformation/', import.meta.url);
export const templatePath = (name) => new URL(name, folder).pathname;
export const templateNames = [
  'hub.yaml',
  'spoke.yaml',
  'organization.yaml',
  'spoke-region.yaml',
  'athena.yaml',
  'dashboards.json',
].filter((name) => fs.existsSync(templatePath(name)));
export const loadTemplate = (name) => load(templatePath(name));

const { given, requires, optional } = parse(fs.readFileSync(new URL('parameters.yaml', import.meta.url), 'utf8'));
export { optional };

// variants of the hub that a row can ask for; the first is the default.
export const variants = {
  Lambda: {},
  EC2: { Receiver: 'EC2' },
  Fargate: { Receiver: 'Fargate' },
  // Only account A may send.
  Listed: { SenderAccounts: accounts.A },
  // A role asks the archive by Athena.
  Asked: { ArchiveReaderArn: `arn:aws:iam::${accounts.hub}:role/analyst` },
};

const pseudo = ({ account, region, stack }) => ({
  'AWS::Region': region,
  'AWS::Partition': 'aws',
  'AWS::AccountId': account,
  'AWS::StackName': stack,
  'AWS::StackId': `arn:aws:cloudformation:${region}:${account}:stack/${stack}/1`,
  'AWS::URLSuffix': 'amazonaws.com',
});

// complete adds what choices ask for besides.
const complete = (name, parameters) => ({
  ...Object.assign({}, ...Object.entries(parameters).map((pair) => requires[name]?.[pair.join('=')])),
  ...parameters,
});

// stackOf resolves a template as a stack of an account. Of what the release and the hub offer it takes the parameters
// that it has.
function stackOf(name, template, account, hub, parameters) {
  const place = { account, region: name === 'spoke-region.yaml' ? otherRegion : region, stack: stackName(name) };
  const offered = { ...given.release, ...(hub && fromHub(hub)), ...given[name] };
  const taken = Object.entries(offered).filter(([key]) => key in (template.Parameters ?? {}));
  return {
    account,
    ...resolve(template, {
      parameters: { ...Object.fromEntries(taken), ...complete(name, parameters) },
      pseudo: pseudo(place),
      standIn: standIns(place),
      imports: hub?.exports,
    }),
  };
}

const stackName = (name) => name.replace(/\.(yaml|json)$/, '');

// fromHub are the parameters of other templates that the hub answers: the name of its stack, outputs of the same name,
// and those in the line that is pasted into the command for the spokes.
export const fromHub = ({ outputs }) => ({
  HubStackName: stackName('hub.yaml'),
  ...outputs,
  ...Object.fromEntries(outputs.SpokeParameters.split(' ').map((pair) => pair.split('='))),
});

export const hubStack = (template, parameters = {}) => stackOf('hub.yaml', template, accounts.hub, null, parameters);

export const spokeStack = (template, hub, account, parameters = {}) =>
  stackOf('spoke.yaml', template, account, hub, parameters);

// otherStack resolves any other template in the hub's account.
export const otherStack = (name, template, hub, parameters = {}) =>
  stackOf(name, template, accounts.hub, hub, parameters);

// worldOf resolves the hub in a variant, and the spokes that send to it.
export function worldOf(templates, variant) {
  const hub = hubStack(templates['hub.yaml'], variants[variant]);
  const spoke = (account, parameters) => spokeStack(templates['spoke.yaml'], hub, account, parameters);
  return {
    hub,
    spokeA: spoke(accounts.A),
    spokeB: spoke(accounts.B),
    // The spoke runs elsewhere, and only its role is made.
    athena: otherStack('athena.yaml', templates['athena.yaml'], hub),
    dashboards: otherStack('dashboards.json', templates['dashboards.json'], hub, { AttachSecretsPolicy: 'Yes' }),
    regionA: stackOf('spoke-region.yaml', templates['spoke-region.yaml'], accounts.A, hub, {}),
    roleA: spoke(accounts.A, { Runtime: 'None', PersonalKeyArn: `arn:aws:kms:${region}:${accounts.A}:key/1234` }),
  };
}
