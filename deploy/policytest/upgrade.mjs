// What an update of a stack from one template to the next would do to its resources.
import { fullDiff, ResourceImpact } from '@aws-cdk/cloudformation-diff';

// Resources of these types hold what cannot be made again.
const stateful = [
  'AWS::KMS::Key',
  'AWS::Kinesis::Stream',
  'AWS::S3::Bucket',
  'AWS::RDS::DBCluster',
  'AWS::DynamoDB::Table',
  'AWS::SecretsManager::Secret',
];
const losses = [
  ResourceImpact.WILL_REPLACE,
  ResourceImpact.MAY_REPLACE,
  ResourceImpact.WILL_DESTROY,
  ResourceImpact.WILL_ORPHAN,
];

// harms is rule T46. It returns what an update from one template to another does and must not: replace or remove what
// holds state, ask for a parameter that nobody was asked for, or take away an output.
export function harms(from, to) {
  const found = [];
  // fullDiff writes into the templates.
  fullDiff(structuredClone(from), structuredClone(to)).resources.forEachDifference((id, change) => {
    if (stateful.includes(change.oldResourceType) && losses.includes(change.changeImpact)) {
      found.push(`${id} (${change.oldResourceType}): ${change.changeImpact}`);
    }
  });
  for (const [name, parameter] of Object.entries(to.Parameters ?? {})) {
    if (!(name in (from.Parameters ?? {})) && parameter.Default === undefined)
      found.push(`parameter ${name} is new and has no default`);
  }
  for (const name of Object.keys(from.Outputs ?? {})) {
    if (!(name in (to.Outputs ?? {}))) found.push(`output ${name} is gone`);
  }
  return found;
}
