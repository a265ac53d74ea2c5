#!/usr/bin/env bash
# Uploads a release to a bucket of AWS. No other script here calls AWS.
set -euo pipefail

usage() {
  cat <<'TEXT'
Uploads a release that `make dist` made, and prints the commands that create its stacks.

  deploy/package/publish.sh --bucket NAME [--region REGION] [--create-bucket --organization ID] [DIRECTORY]

  --bucket NAME        bucket that gets the functions and templates, below releases/VERSION/
  --region REGION      of the bucket: stacks can only be in this region. Defaults to AWS_REGION
  --create-bucket      make the bucket: private, with versions, readable by the organization below releases/
  --organization ID    of your organization, such as o-abcdefghij, for the bucket's policy
  DIRECTORY            of the release; defaults to dist

Spokes in another region than the hub need a bucket there: run it once for each region. Objects are never
overwritten: each run makes a new version of them, and the commands name it.

It needs the AWS command line, and credentials of the hub's account for s3:PutObject and s3:GetBucketVersioning; with
--create-bucket also for s3:CreateBucket, s3:PutBucketVersioning, s3:PutBucketPublicAccessBlock and s3:PutBucketPolicy.
TEXT
}

fail() {
  echo "publish.sh: $1" >&2
  exit "${2:-1}"
}

bucket='' region=${AWS_REGION:-${AWS_DEFAULT_REGION:-}} create='' organization='' dist=''
while [ $# -gt 0 ]; do
  case $1 in
    -h | --help) usage; exit ;;
    --create-bucket) create=yes; shift ;;
    --bucket | --region | --organization)
      [ $# -gt 1 ] || fail "$1 needs a value" 2
      declare "${1#--}=$2"; shift 2 ;;
    -*) fail "$1 is no option; -h shows them" 2 ;;
    *) [ -z "$dist" ] || fail "one directory only" 2; dist=$1; shift ;;
  esac
done
dist=${dist:-dist}
[ -n "$bucket" ] || fail "--bucket is missing; -h shows how to use it" 2
[ -n "$region" ] || fail "--region is missing, and AWS_REGION is not set" 2
[ -z "$create" ] || [[ $organization =~ ^o-[a-z0-9]{10,32}$ ]] ||
  fail "--create-bucket needs --organization, o- and 10 to 32 small letters and digits" 2
archives=("$dist"/hub_v*_linux_arm64.tar.gz)
[ -f "${archives[0]}" ] || fail "there is no release for arm64 in $dist: run make dist VERSION=v1.2.3" 2
version=${archives[0]##*/hub_}
version=${version%_linux_arm64.tar.gz}
(cd "$dist" && sha256sum --check --quiet checksums.txt) ||
  fail "files are not those of $dist/checksums.txt: make the release again"

call() { aws --region "$region" --output text "$@"; }

if [ -n "$create" ]; then
  location=()
  [ "$region" = us-east-1 ] || location=(--create-bucket-configuration "LocationConstraint=$region")
  call s3api create-bucket --bucket "$bucket" "${location[@]}" >&2
  call s3api put-public-access-block --bucket "$bucket" --public-access-block-configuration \
    BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true
  call s3api put-bucket-versioning --bucket "$bucket" --versioning-configuration Status=Enabled
  partition=$(call sts get-caller-identity --query Arn | cut -d : -f 2)
  call s3api put-bucket-policy --bucket "$bucket" --policy "$(cat <<JSON
{"Version": "2012-10-17", "Statement": [
  {"Sid": "OrganizationReads", "Effect": "Allow", "Principal": "*", "Action": ["s3:GetObject", "s3:GetObjectVersion"],
   "Resource": "arn:$partition:s3:::$bucket/releases/*",
   "Condition": {"StringEquals": {"aws:PrincipalOrgID": "$organization"}}},
  {"Sid": "EncryptedTransportOnly", "Effect": "Deny", "Principal": "*", "Action": "s3:*",
   "Resource": ["arn:$partition:s3:::$bucket", "arn:$partition:s3:::$bucket/*"],
   "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
]}
JSON
)"
fi

[ "$(call s3api get-bucket-versioning --bucket "$bucket" --query Status)" = Enabled ] ||
  fail "bucket $bucket keeps no versions, by which stacks name what they run: enable versioning, or use --create-bucket"

# upload uploads a file and prints the version of the object.
upload() {
  call s3api put-object --bucket "$bucket" --key "releases/$version/$1" --body "$dist/$1" \
    --checksum-algorithm SHA256 --query VersionId
}

declare -A versions
for path in "$dist"/*-lambda-*.zip "$dist"/A360-* "$dist"/stack-policy.json "$dist"/checksums.txt; do
  file=${path##*/}
  versions[$file]=$(upload "$file")
  echo "releases/$version/$file  ${versions[$file]}"
done

suffix=amazonaws.com
[[ $region != cn-* ]] || suffix=amazonaws.com.cn
url=https://$bucket.s3.$region.$suffix/releases/$version
digest=$(grep -o 'sha256:[0-9a-f]*' "$dist/oci/hub/index.json")

cat <<TEXT

The hub, with values of your own for what is in capitals:

  aws cloudformation create-stack --region $region --stack-name observability-hub \\
    --template-url $url/A360-Analytics.yaml --stack-policy-url $url/stack-policy.json \\
    --capabilities CAPABILITY_NAMED_IAM --enable-termination-protection --parameters \\
    ParameterKey=OrganizationId,ParameterValue=${organization:-ORGANIZATION} \\
    ParameterKey=S3BucketName,ParameterValue=ARCHIVE \\
    ParameterKey=SubnetIds,ParameterValue= \\
    ParameterKey=S3PrefixListId,ParameterValue=PREFIX_LIST \\
    ParameterKey=ArtifactBucket,ParameterValue=$bucket \\
    ParameterKey=HubZipVersion,ParameterValue=${versions[hub-lambda-arm64.zip]}

PREFIX_LIST has the addresses of S3 in $region:

  aws ec2 describe-managed-prefix-lists --region $region --query 'PrefixLists[].PrefixListId' --output text \\
    --filters Name=prefix-list-name,Values=com.amazonaws.$region.s3

A spoke, in an account of its own; SPOKE_PARAMETERS is the output SpokeParameters of the hub's stack:

  aws cloudformation deploy --region $region --stack-name observability-spoke \\
    --template-file $dist/A360-Sender.yaml --capabilities CAPABILITY_NAMED_IAM --parameter-overrides \\
    SPOKE_PARAMETERS ArtifactBucket=$bucket SpokeZipVersion=${versions[spoke-lambda-arm64.zip]}

Spokes in all accounts of an organization, from its management account:

  aws cloudformation deploy --region $region --stack-name observability-organization \\
    --template-file $dist/A360-Organization.yaml --capabilities CAPABILITY_NAMED_IAM --parameter-overrides \\
    SPOKE_PARAMETERS OrganizationalUnitIds=ROOT ArtifactBucket=$bucket \\
    SpokeZipVersion=${versions[spoke-lambda-arm64.zip]} \\
    TemplateUrl=$url/A360-Sender.yaml RegionTemplateUrl=$url/A360-Sender-Region.yaml

The image, for Receiver=Fargate; REPOSITORY is the output ImageRepositoryUri of the hub's stack:

  skopeo copy --all oci:$dist/oci/hub:$version docker://REPOSITORY:$version
  HubImageDigest is then $digest
TEXT
