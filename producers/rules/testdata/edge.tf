variable "home_bus_arn" {
  type        = string
  description = "ARN of the default event bus in the home region of the spoke, in this account"
}

data "aws_caller_identity" "spoke" {}

data "aws_region" "spoke" {}

resource "aws_iam_role" "spoke_events" {
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "events.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = {
        ArnLike      = { "aws:SourceArn" = "arn:*:events:*:*:rule/spoke-*" }
        StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.spoke.account_id }
      }
    }]
  })
}

resource "aws_iam_role_policy" "spoke_events" {
  role = aws_iam_role.spoke_events.id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "events:PutEvents", Resource = var.home_bus_arn }]
  })
}

resource "aws_cloudwatch_event_rule" "spoke_acm" {
  name          = "spoke-acm"
  description   = "Events of aws.acm for the spoke: certificates"
  event_pattern = "{\"source\":[\"aws.acm\"],\"$or\":[{\"detail-type\":[\"ACM Certificate Approaching Expiration\",\"ACM Certificate Expired\",\"ACM Certificate Available\",\"ACM Certificate Renewal Action Required\",\"ACM Certificate Rotated\",\"ACM Certificate Revoked\"]},{\"detail-type\":[\"AWS API Call via CloudTrail\",\"AWS Service Event via CloudTrail\"],\"detail\":{\"errorCode\":[{\"exists\":false}],\"eventName\":[\"RequestCertificate\",\"ImportCertificate\",\"DeleteCertificate\"]}}]}"
}

resource "aws_cloudwatch_event_target" "spoke_acm" {
  rule      = aws_cloudwatch_event_rule.spoke_acm.name
  target_id = "spoke"
  arn       = var.home_bus_arn
  role_arn  = aws_iam_role.spoke_events.arn
}

resource "aws_cloudwatch_event_rule" "spoke_securityhub" {
  name          = "spoke-securityhub"
  description   = "Events of aws.securityhub for the spoke: security_findings"
  event_pattern = "{\"source\":[\"aws.securityhub\"],\"detail-type\":[\"Security Hub Findings - Imported\"],\"detail\":{\"findings\":{\"Severity\":{\"Label\":[\"CRITICAL\",\"HIGH\"]}}}}"
}

resource "aws_cloudwatch_event_target" "spoke_securityhub" {
  rule      = aws_cloudwatch_event_rule.spoke_securityhub.name
  target_id = "spoke"
  arn       = var.home_bus_arn
  role_arn  = aws_iam_role.spoke_events.arn
}

resource "aws_cloudwatch_event_rule" "spoke_support" {
  count         = contains(["us-east-1", "us-gov-west-1", "cn-north-1"], data.aws_region.spoke.name) ? 1 : 0
  name          = "spoke-support"
  description   = "Events of aws.support for the spoke: support_cases"
  event_pattern = "{\"source\":[\"aws.support\"],\"detail-type\":[\"Support Case Update\"]}"
}

resource "aws_cloudwatch_event_target" "spoke_support" {
  count     = contains(["us-east-1", "us-gov-west-1", "cn-north-1"], data.aws_region.spoke.name) ? 1 : 0
  rule      = aws_cloudwatch_event_rule.spoke_support[0].name
  target_id = "spoke"
  arn       = var.home_bus_arn
  role_arn  = aws_iam_role.spoke_events.arn
}
