data "aws_caller_identity" "spoke" {}

resource "aws_sqs_queue" "spoke_events" {
  name                       = "spoke-events"
  message_retention_seconds  = 14400
  visibility_timeout_seconds = 300
  sqs_managed_sse_enabled    = true
  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.spoke_events_dead.arn
    maxReceiveCount     = 3
  })
}

resource "aws_sqs_queue" "spoke_events_dead" {
  name                    = "spoke-events-dead"
  sqs_managed_sse_enabled = true
}

resource "aws_sqs_queue_policy" "spoke_events" {
  queue_url = aws_sqs_queue.spoke_events.url
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "events.amazonaws.com" }
      Action    = "sqs:SendMessage"
      Resource  = aws_sqs_queue.spoke_events.arn
      Condition = {
        ArnLike      = { "aws:SourceArn" = "arn:*:events:*:*:rule/spoke-*" }
        StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.spoke.account_id }
      }
    }]
  })
}

resource "aws_cloudwatch_event_rule" "spoke_certificates_acm" {
  name          = "spoke-certificates-acm"
  description   = "Events of aws.acm for the spoke: certificates"
  event_pattern = "{\"source\":[\"aws.acm\"],\"$or\":[{\"detail-type\":[\"ACM Certificate Approaching Expiration\",\"ACM Certificate Expired\",\"ACM Certificate Available\",\"ACM Certificate Renewal Action Required\",\"ACM Certificate Rotated\",\"ACM Certificate Revoked\"]},{\"detail-type\":[\"AWS API Call via CloudTrail\",\"AWS Service Event via CloudTrail\"],\"detail\":{\"errorCode\":[{\"exists\":false}],\"eventName\":[\"RequestCertificate\",\"ImportCertificate\",\"DeleteCertificate\"]}}]}"
}

resource "aws_cloudwatch_event_target" "spoke_certificates_acm" {
  rule      = aws_cloudwatch_event_rule.spoke_certificates_acm.name
  target_id = "spoke"
  arn       = aws_sqs_queue.spoke_events.arn
}

resource "aws_cloudwatch_event_rule" "spoke_security_findings_securityhub" {
  name          = "spoke-security_findings-securityhub"
  description   = "Events of aws.securityhub for the spoke: security_findings"
  event_pattern = "{\"source\":[\"aws.securityhub\"],\"detail-type\":[\"Security Hub Findings - Imported\"],\"detail\":{\"findings\":{\"Severity\":{\"Label\":[\"CRITICAL\",\"HIGH\"]}}}}"
}

resource "aws_cloudwatch_event_target" "spoke_security_findings_securityhub" {
  rule      = aws_cloudwatch_event_rule.spoke_security_findings_securityhub.name
  target_id = "spoke"
  arn       = aws_sqs_queue.spoke_events.arn
}

resource "aws_cloudwatch_event_rule" "spoke_support_cases_support" {
  name          = "spoke-support_cases-support"
  description   = "Events of aws.support for the spoke: support_cases"
  event_pattern = "{\"source\":[\"aws.support\"],\"detail-type\":[\"Support Case Update\"]}"
}

resource "aws_cloudwatch_event_target" "spoke_support_cases_support" {
  rule      = aws_cloudwatch_event_rule.spoke_support_cases_support.name
  target_id = "spoke"
  arn       = aws_sqs_queue.spoke_events.arn
}
