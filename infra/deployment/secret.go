package deployment

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
)

// keysID is the name of the digest keys' secret in the local stack.
const keysID = "DigestKeys"

// Secret is a secret in Secrets Manager.
type Secret struct {
	ID     string // its ARN, or its name
	Client *secretsmanager.Client
}

const theSecret = "the secret DigestKeys"

var errNoSecret = errors.New("where the secret DigestKeys is is not known: name a stack that has the output" +
	" DigestKeysSecret with --stack, or start the local one with `make run`")

// Read gives the secret's text.
func (s Secret) Read(ctx context.Context) (string, error) { return s.read(ctx, "AWSCURRENT") }

func (s Secret) read(ctx context.Context, stage string) (string, error) {
	if s.Client == nil {
		return "", errNoSecret
	}
	out, err := s.Client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &s.ID, VersionStage: &stage})
	if err != nil {
		return "", Explain(ctx, theSecret, err)
	}
	return aws.ToString(out.SecretString), nil
}

// Replace puts the text after in place of before, which the caller has read. Secrets
// Manager knows no condition, but keeps the text before the last one: so a change that
// somebody else made at the same moment is not prevented, but told.
func (s Secret) Replace(ctx context.Context, before, after string) error {
	if s.Client == nil {
		return errNoSecret
	}
	_, err := s.Client.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{SecretId: &s.ID, SecretString: &after})
	if err != nil {
		return Explain(ctx, theSecret, err)
	}
	replaced, err := s.read(ctx, "AWSPREVIOUS")
	if err == nil && replaced != before {
		err = errors.New("somebody else changed the secret DigestKeys at the same moment: what was written then" +
			" is its version AWSPREVIOUS, put the keys of both together by hand before anything is deployed")
	}
	return err
}
