// What Ref and GetAtt answer of resources that nobody made: names and ARNs of the right form.
import { createHash } from 'node:crypto';

// uuid is always the same for a name.
const uuid = (name) =>
  createHash('sha256')
    .update(name)
    .digest('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*/, '$1-$2-$3-$4-$5');
const hex = (name) => uuid(name).replaceAll('-', '').slice(0, 17);

// standIns returns the function that resolve needs, for a stack of this name in an account and region.
export function standIns({ account, region, stack }) {
  const arn = (service, rest) => `arn:aws:${service}:${region}:${account}:${rest}`;
  const named = (service, kind, property) => (id, p) => {
    const name = p[property] ?? `${stack}-${id}`;
    return { Ref: name, Arn: arn(service, kind + name), Name: name, [property]: name };
  };
  const ec2 =
    (prefix, ...attributes) =>
    (id) => {
      const name = `${prefix}-${hex(id)}`;
      return { Ref: name, Id: name, ...Object.fromEntries(attributes.map((attribute) => [attribute, name])) };
    };
  const only = (id) => ({ Ref: `${stack}-${id}` });

  const byType = {
    'AWS::KMS::Key': (id) => ({ Ref: uuid(id), KeyId: uuid(id), Arn: arn('kms', `key/${uuid(id)}`) }),
    'AWS::KMS::Alias': (id, p) => ({ Ref: p.AliasName }),
    'AWS::Kinesis::Stream': named('kinesis', 'stream/', 'Name'),
    'AWS::S3::Bucket': (id, p) => {
      const name = p.BucketName ?? `${stack}-${id}`.toLowerCase();
      return { Ref: name, Arn: `arn:aws:s3:::${name}`, RegionalDomainName: `${name}.s3.${region}.amazonaws.com` };
    },
    'AWS::IAM::Role': (id, p) => {
      const name = p.RoleName ?? `${stack}-${id}`;
      return {
        Ref: name,
        Arn: `arn:aws:iam::${account}:role${p.Path ?? '/'}${name}`,
        RoleId: `AROA${hex(id).toUpperCase()}`,
      };
    },
    'AWS::IAM::ManagedPolicy': (id, p) => ({
      Ref: `arn:aws:iam::${account}:policy${p.Path ?? '/'}${p.ManagedPolicyName ?? `${stack}-${id}`}`,
    }),
    'AWS::IAM::InstanceProfile': (id) => ({
      Ref: `${stack}-${id}`,
      Arn: `arn:aws:iam::${account}:instance-profile/${stack}-${id}`,
    }),
    'AWS::DynamoDB::Table': named('dynamodb', 'table/', 'TableName'),
    'AWS::SQS::Queue': (id, p) => {
      const name = p.QueueName ?? `${stack}-${id}`;
      const url = `https://sqs.${region}.amazonaws.com/${account}/${name}`;
      return { Ref: url, QueueUrl: url, QueueName: name, Arn: arn('sqs', name) };
    },
    'AWS::SNS::Topic': (id, p) => {
      const name = p.TopicName ?? `${stack}-${id}`;
      return { Ref: arn('sns', name), TopicArn: arn('sns', name), TopicName: name };
    },
    'AWS::Logs::LogGroup': (id, p) => {
      const name = p.LogGroupName ?? `${stack}-${id}`;
      return { Ref: name, Arn: arn('logs', `log-group:${name}:*`) };
    },
    'AWS::Lambda::Function': named('lambda', 'function:', 'FunctionName'),
    'AWS::RDS::DBCluster': (id, p) => {
      const name = p.DBClusterIdentifier ?? `${stack}-${id}`.toLowerCase();
      return {
        Ref: name,
        DBClusterArn: arn('rds', `cluster:${name}`),
        DBClusterResourceId: 'cluster-ABC',
        'Endpoint.Address': `${name}.cluster-x.${region}.rds.amazonaws.com`,
        'Endpoint.Port': '5432',
        'ReadEndpoint.Address': `${name}.cluster-ro-x.${region}.rds.amazonaws.com`,
        'MasterUserSecret.SecretArn': arn('secretsmanager', 'secret:rds!cluster-AbCdEf'),
      };
    },
    'AWS::RDS::DBInstance': named('rds', 'db:', 'DBInstanceIdentifier'),
    'AWS::CloudFormation::CustomResource': only,
    'AWS::EC2::SecurityGroupEgress': only,
    'AWS::EC2::SecurityGroupIngress': only,
    'AWS::EC2::SubnetRouteTableAssociation': only,
    'AWS::RDS::DBSubnetGroup': only,
    'AWS::RDS::DBClusterParameterGroup': only,
    'AWS::SecretsManager::Secret': (id, p) => {
      const secret = arn('secretsmanager', `secret:${p.Name ?? `${stack}-${id}`}-AbCdEf`);
      return { Ref: secret, Id: secret };
    },
    'AWS::EC2::VPC': ec2('vpc', 'VpcId'),
    'AWS::EC2::Subnet': ec2('subnet', 'SubnetId'),
    'AWS::EC2::RouteTable': ec2('rtb', 'RouteTableId'),
    'AWS::EC2::SecurityGroup': ec2('sg', 'GroupId'),
    'AWS::EC2::VPCEndpoint': ec2('vpce'),
    'AWS::EC2::LaunchTemplate': (id) => ({
      ...ec2('lt', 'LaunchTemplateId')(id),
      LatestVersionNumber: '1',
      DefaultVersionNumber: '1',
    }),
    'AWS::ECS::Cluster': named('ecs', 'cluster/', 'ClusterName'),
    'AWS::ECS::TaskDefinition': (id) => ({
      Ref: arn('ecs', `task-definition/${stack}-${id}:1`),
      TaskDefinitionArn: arn('ecs', `task-definition/${stack}-${id}:1`),
    }),
    'AWS::ECS::Service': named('ecs', 'service/', 'ServiceName'),
    'AWS::ECR::Repository': (id, p) => {
      const name = p.RepositoryName ?? `${stack}-${id}`.toLowerCase();
      return {
        Ref: name,
        Arn: arn('ecr', `repository/${name}`),
        RepositoryUri: `${account}.dkr.ecr.${region}.amazonaws.com/${name}`,
      };
    },
    'AWS::AutoScaling::AutoScalingGroup': named(
      'autoscaling',
      'autoScalingGroup:x:autoScalingGroupName/',
      'AutoScalingGroupName',
    ),
    'AWS::ApplicationAutoScaling::ScalableTarget': only,
    'AWS::Scheduler::ScheduleGroup': named('scheduler', 'schedule-group/', 'Name'),
    'AWS::Scheduler::Schedule': named('scheduler', 'schedule/', 'Name'),
    'AWS::Events::Rule': named('events', 'rule/', 'Name'),
    'AWS::CloudWatch::Alarm': named('cloudwatch', 'alarm:', 'AlarmName'),
    'AWS::CloudFormation::StackSet': (id) => ({ Ref: `${stack}-${id}`, StackSetId: `${stack}-${id}:${uuid(id)}` }),
    'AWS::Glue::Database': named('glue', 'database/', 'Name'),
    'AWS::Athena::WorkGroup': named('athena', 'workgroup/', 'Name'),
  };
  return (type, id, properties) => {
    if (type in byType) return byType[type](id, properties);
    if (type.startsWith('AWS::QuickSight::'))
      return { Ref: id, Arn: arn('quicksight', `${type.split('::')[2].toLowerCase()}/${id}`) };
    throw Error(`${type} has no stand-in: add its Ref and attributes to standins.mjs`);
  };
}
