package policy

import (
	"cmp"
	"slices"
	"strings"
)

// Destination is what a spoke sends to; what is empty is not used.
type Destination struct {
	// Partition of the ARNs that are made here. Defaults to aws.
	Partition string
	// Stream is the ARN of the stream, or its name in the spoke's own account.
	Stream string
	// StreamRole is the ARN of a role of the stream's account. With it the spoke assumes the
	// role, and the role writes.
	StreamRole string
	// Bucket is the name of the archive's bucket, Prefix that of its keys, as data/.
	Bucket, Prefix string
	// Keys are the ARNs of the KMS keys that encrypt stream or bucket.
	Keys []string
}

// Send returns the statements that allow to send to d.
func Send(d Destination) (statements []Statement) {
	partition := cmp.Or(d.Partition, "aws")
	add := func(sid, action string, resources ...string) {
		statements = append(statements, Statement{Sid: sid, Effect: "Allow", Action: []string{action}, Resource: resources})
	}
	switch {
	case d.StreamRole != "":
		add("SendByRole", "sts:AssumeRole", d.StreamRole)
	case strings.Contains(d.Stream, ":"):
		add("Send", "kinesis:PutRecords", d.Stream)
	case d.Stream != "":
		add("Send", "kinesis:PutRecords", "arn:"+partition+":kinesis:*:${aws:PrincipalAccount}:stream/"+d.Stream)
	}
	if d.Bucket != "" {
		// A spoke writes below its own account alone: the bucket's policy says the same.
		add("Archive", "s3:PutObject", "arn:"+partition+":s3:::"+d.Bucket+"/"+d.Prefix+"account=${aws:PrincipalAccount}/*")
	}
	if len(d.Keys) > 0 {
		add("Encrypt", "kms:GenerateDataKey", slices.Clone(d.Keys)...)
	}
	return statements
}

// Hear returns the statement that allows to read hints from a queue, given its ARN.
func Hear(queue string) Statement {
	return Statement{
		Sid: "Hear", Effect: "Allow", Action: []string{"sqs:DeleteMessage", "sqs:ReceiveMessage"},
		Resource: Resources{queue},
	}
}

// HearInLambda is Hear for a spoke that is a Lambda function: Lambda polls the queue with the
// function's role and asks how much is in it, and what did not fit into an invocation is sent
// back.
func HearInLambda(queue string) Statement {
	s := Hear(queue)
	s.Action = []string{"sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage", "sqs:SendMessage"}
	return s
}

// Pseudonyms returns the statement that allows to make the key of pseudonyms from a KMS key,
// given its ARN.
func Pseudonyms(key string) Statement {
	return Statement{
		Sid: "Pseudonyms", Effect: "Allow", Action: []string{"kms:GenerateMac"}, Resource: Resources{key},
	}
}

// NeverValues returns the statements that deny what a spoke must never read, whatever
// other policies allow: values of secrets, content of objects and tables, log lines, code,
// and whatever KMS encrypts.
func NeverValues() []Statement {
	return []Statement{{
		Sid: "NeverValues", Effect: "Deny", Resource: Resources{"*"},
		Action: []string{
			"dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query", "dynamodb:Scan",
			"lambda:GetFunction", "logs:FilterLogEvents", "logs:GetLogEvents", "s3:GetObject*",
			"secretsmanager:BatchGetSecretValue", "secretsmanager:GetSecretValue", "ssm:GetParameter*",
		},
	}, {
		Sid: "NeverDecrypt", Effect: "Deny", Resource: Resources{"*"}, Action: []string{"kms:Decrypt"},
		// Before a function starts, Lambda decrypts its settings with the role of the function.
		// What is encrypted for another purpose does not open with this context.
		Condition: map[string]map[string]string{"Null": {"kms:EncryptionContext:aws:lambda:FunctionArn": "true"}},
	}}
}
