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
func (s Secret) Read(ctx context.Context) (string, error) {
	if s.Client == nil {
		return "", errNoSecret
	}
	out, err := s.Client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &s.ID})
	if err != nil {
		return "", Explain(ctx, theSecret, err)
	}
	return aws.ToString(out.SecretString), nil
}

// Write puts another text in the secret's place. Secrets Manager keeps the one before it as
// the version AWSPREVIOUS.
func (s Secret) Write(ctx context.Context, text string) error {
	if s.Client == nil {
		return errNoSecret
	}
	_, err := s.Client.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{SecretId: &s.ID, SecretString: &text})
	return Explain(ctx, theSecret, err)
}
