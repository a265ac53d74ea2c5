resource "aws_iam_policy" "spoke_collect_1" {
  name_prefix = "spoke-collect-1-"
  description = "What a spoke may do, 1 of 2"
  policy = jsonencode({
    "Version" : "2012-10-17",
    "Statement" : [
      {
        "Sid" : "Collect",
        "Effect" : "Allow",
        "Action" : [
          "acm:ListCertificates",
          "s3:ListAllMyBuckets"
        ],
        "Resource" : "*"
      },
      {
        "Sid" : "Send",
        "Effect" : "Allow",
        "Action" : [
          "kinesis:PutRecords"
        ],
        "Resource" : "arn:aws:kinesis:eu-central-1:444455556666:stream/observability"
      },
      {
        "Sid" : "Archive",
        "Effect" : "Allow",
        "Action" : [
          "s3:PutObject"
        ],
        "Resource" : "arn:aws:s3:::hub-archive/data/account=$${aws:PrincipalAccount}/*"
      },
      {
        "Sid" : "Encrypt",
        "Effect" : "Allow",
        "Action" : [
          "kms:GenerateDataKey"
        ],
        "Resource" : [
          "arn:aws:kms:eu-central-1:444455556666:key/5c1b0f2e-0000-4000-8000-000000000000",
          "arn:aws:kms:eu-central-1:444455556666:key/5c1b0f2e-0000-4000-8000-0000000000001"
        ]
      },
      {
        "Sid" : "Hear",
        "Effect" : "Allow",
        "Action" : [
          "sqs:DeleteMessage",
          "sqs:ReceiveMessage"
        ],
        "Resource" : "arn:aws:sqs:eu-central-1:111122223333:spoke-events"
      },
      {
        "Sid" : "NeverValues",
        "Effect" : "Deny",
        "Action" : [
          "dynamodb:BatchGetItem",
          "dynamodb:GetItem",
          "dynamodb:Query",
          "dynamodb:Scan",
          "lambda:GetFunction",
          "logs:FilterLogEvents",
          "logs:GetLogEvents",
          "s3:GetObject*",
          "secretsmanager:BatchGetSecretValue",
          "secretsmanager:GetSecretValue",
          "ssm:GetParameter*"
        ],
        "Resource" : "*"
      },
      {
        "Sid" : "NeverDecrypt",
        "Effect" : "Deny",
        "Action" : [
          "kms:Decrypt"
        ],
        "Resource" : "*",
        "Condition" : {
          "Null" : {
            "kms:EncryptionContext:aws:lambda:FunctionArn" : "true"
          }
        }
      }
    ]
  })
}

resource "aws_iam_policy" "spoke_collect_2" {
  name_prefix = "spoke-collect-2-"
  description = "What a spoke may do, 2 of 2"
  policy = jsonencode({
    "Version" : "2012-10-17",
    "Statement" : [
      {
        "Sid" : "NeverValues",
        "Effect" : "Deny",
        "Action" : [
          "dynamodb:BatchGetItem",
          "dynamodb:GetItem",
          "dynamodb:Query",
          "dynamodb:Scan",
          "lambda:GetFunction",
          "logs:FilterLogEvents",
          "logs:GetLogEvents",
          "s3:GetObject*",
          "secretsmanager:BatchGetSecretValue",
          "secretsmanager:GetSecretValue",
          "ssm:GetParameter*"
        ],
        "Resource" : "*"
      },
      {
        "Sid" : "NeverDecrypt",
        "Effect" : "Deny",
        "Action" : [
          "kms:Decrypt"
        ],
        "Resource" : "*",
        "Condition" : {
          "Null" : {
            "kms:EncryptionContext:aws:lambda:FunctionArn" : "true"
          }
        }
      }
    ]
  })
}

output "spoke_policy_arns" {
  value = [aws_iam_policy.spoke_collect_1.arn, aws_iam_policy.spoke_collect_2.arn]
}
