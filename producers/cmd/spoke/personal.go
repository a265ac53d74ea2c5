package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/hubspoke/observability/internal/program"
	"github.com/hubspoke/observability/lib/awsconfig"
	"github.com/hubspoke/observability/lib/personal"
	"github.com/hubspoke/observability/lib/schema"
)

// personalFlags say what becomes of personal data.
type personalFlags struct {
	Personal        map[string]string `placeholder:"CLASS=ACTION" mapsep:"," help:"What becomes of personal data, by class; repeat it or separate with commas. Classes: contact, identity, network, text. Actions: keep, hash (a pseudonym is sent), drop (null is sent). Defaults to keep."`
	PersonalKeyARN  string            `name:"personal-key-arn" placeholder:"ARN" help:"KMS HMAC key (HMAC_256) from which the key of the pseudonyms is made, by one request at the start. Needed by hash, or --personal-key-file."`
	PersonalKeyFile string            `placeholder:"FILE" help:"File with the key of the pseudonyms, 32 bytes at least, instead of --personal-key-arn."`
}

// keyMessage is what the MAC is asked of that becomes the key of pseudonyms. With another
// message all of them would change.
const keyMessage = "hubspoke/observability: key of pseudonyms, version 1"

// maxKeyFile is how many bytes a file with a key has at most: more is another file.
const maxKeyFile = 4096

// actions returns the actions by class, and whether one is hash.
func (f personalFlags) actions() (actions map[schema.Personal]personal.Action, hash bool) {
	actions = make(map[schema.Personal]personal.Action, len(f.Personal))
	for class, action := range f.Personal {
		class, action := schema.Personal(strings.TrimSpace(class)), personal.Action(strings.TrimSpace(action))
		actions[class], hash = action, hash || action == personal.Hash
	}
	return actions, hash
}

// validatePersonal checks the flags without asking AWS.
func (f personalFlags) validatePersonal() error {
	actions, hash := f.actions()
	_, err := personal.New(personal.Config{Actions: actions, Key: make([]byte, personal.MinKey)})
	switch {
	case err != nil:
		return program.Usagef("--personal: %w", err)
	case f.PersonalKeyARN != "" && f.PersonalKeyFile != "":
		return program.Usagef("--personal-key-arn and --personal-key-file: give one of them")
	case hash && f.PersonalKeyARN == "" && f.PersonalKeyFile == "":
		return program.Usagef("--personal hash needs a key: give --personal-key-arn, the ARN of a KMS key of type " +
			"HMAC_256, or --personal-key-file")
	case !hash && f.PersonalKeyARN != "":
		return program.Usagef("--personal-key-arn without a class that is hashed: give --personal CLASS=hash")
	case !hash && f.PersonalKeyFile != "":
		return program.Usagef("--personal-key-file without a class that is hashed: give --personal CLASS=hash")
	}
	if f.PersonalKeyARN != "" {
		return checkHMACKey(f.PersonalKeyARN)
	}
	return nil
}

func checkHMACKey(text string) error {
	const flag, example = "--personal-key-arn", "arn:aws:kms:eu-central-1:444455556666:key/mrk-<id>"
	if err := checkARN(flag, text, "kms", example); err != nil {
		return err
	}
	if parsed, _ := arn.Parse(text); parsed.Region == "" || !strings.HasPrefix(parsed.Resource, "key/") {
		return program.Usagef("%s %q is not the ARN of a key, such as %s; an alias cannot be permitted", flag, text, example)
	}
	return nil
}

// personalPolicy returns what becomes of the personal data of the sources, nil if all of it is
// sent as it is. It asks KMS for the key once; configure has the credentials of the process.
func (f personalFlags) personalPolicy(ctx context.Context, sources []source, configure configure,
	log *slog.Logger) (*personal.Policy, error) {
	if err := f.validatePersonal(); err != nil {
		return nil, err
	}
	actions, _ := f.actions()
	// Whether it fits is known without the key.
	trial, err := personal.New(personal.Config{Actions: actions, Key: make([]byte, personal.MinKey)})
	if err != nil {
		return nil, err
	}
	if trial.String() == "" {
		return nil, nil
	}
	var categories []string
	for _, collector := range sources[0].collectors {
		columns, err := trial.For(collector.Table())
		if fault, ok := errors.AsType[*personal.ColumnError](err); ok {
			return nil, program.Usagef("--personal: %s: give --personal %s=%s, or leave the category out with --exclude %s",
				strings.TrimPrefix(fault.Error(), "personal: "), fault.Class, possible(fault), fault.Category)
		}
		if columns != nil {
			categories = append(categories, collector.Table().Name())
		}
	}
	key, err := f.key(ctx, configure)
	if err != nil {
		return nil, err
	}
	policy, err := personal.New(personal.Config{Actions: actions, Key: key})
	if err != nil {
		return nil, err
	}
	log.Info("personal data is not sent as it is; where this or the key changes, each of these rows changes once",
		"policy", policy.String(), "categories", categories)
	return policy, nil
}

// possible returns the strictest action for the column of the fault.
func possible(fault *personal.ColumnError) personal.Action {
	if fault.Hashable {
		return personal.Hash
	}
	return personal.Keep
}

// key returns the key of the pseudonyms, nil if none is given.
func (f personalFlags) key(ctx context.Context, configure configure) ([]byte, error) {
	switch {
	case f.PersonalKeyFile != "":
		return keyOfFile(f.PersonalKeyFile)
	case f.PersonalKeyARN != "":
		return keyOfKMS(ctx, f.PersonalKeyARN, configure)
	}
	return nil, nil
}

func keyOfFile(name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, program.Usagef("--personal-key-file: %w", err)
	}
	defer file.Close()
	key, err := io.ReadAll(io.LimitReader(file, maxKeyFile+1))
	if err != nil {
		return nil, program.Usagef("--personal-key-file: %w", err)
	}
	key = bytes.TrimRight(key, "\r\n")
	if len(key) < personal.MinKey || len(key) > maxKeyFile {
		return nil, program.Usagef("--personal-key-file %s must have %d to %d bytes: make one with 'openssl rand -base64 32'",
			name, personal.MinKey, maxKeyFile)
	}
	return key, nil
}

func keyOfKMS(ctx context.Context, name string, configure configure) ([]byte, error) {
	parsed, err := arn.Parse(name)
	if err != nil {
		return nil, program.Usagef("--personal-key-arn: %w", err)
	}
	cfg, err := configure(ctx, parsed.Region, awsconfig.Role{})
	if err != nil {
		return nil, startError(err)
	}
	answer, err := kms.NewFromConfig(cfg).GenerateMac(ctx, &kms.GenerateMacInput{
		KeyId: aws.String(name), MacAlgorithm: kmstypes.MacAlgorithmSpecHmacSha256, Message: []byte(keyMessage),
	})
	if err != nil {
		return nil, startError(fmt.Errorf("--personal-key-arn %s: %w: it must be a key of type HMAC_256, and the policies "+
			"of the key and of this role must allow kms:GenerateMac", name, err))
	}
	if len(answer.Mac) < personal.MinKey {
		return nil, fmt.Errorf("--personal-key-arn %s: KMS answers with a MAC of %d bytes instead of %d", name,
			len(answer.Mac), personal.MinKey)
	}
	return answer.Mac, nil
}
