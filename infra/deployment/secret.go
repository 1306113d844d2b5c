package deployment

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
)

// keysID is the name of the digest keys' secret in the local stack.
const keysID = "DigestKeys"

// Secret is a secret in Secrets Manager.
type Secret struct {
	ID     string // its ARN, or its name
	Client *secretsmanager.Client
	local  string // host and port of the local stack's Secrets Manager; "" for AWS
}

const theSecret = "the secret DigestKeys"

var errNoSecret = errors.New("where the secret DigestKeys is is not known: name a stack that has the output" +
	" DigestKeysSecret with --stack, or start the local one with `make run`")

// next is the staging label of a text that is written and not current yet.
const next = "NEXT"

// Read gives the secret's text, and the version that it is, for Replace.
func (s Secret) Read(ctx context.Context) (text, version string, err error) {
	if s.Client == nil {
		return "", "", errNoSecret
	}
	out, err := s.Client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &s.ID})
	if err != nil {
		err = Explain(ctx, theSecret, err)
		if s.local != "" && errors.Is(err, errUnreachable) {
			err = fmt.Errorf("%s cannot be reached, because nothing answers at %s: start the local stack with"+
				" `make run`, or set SECRETS_PORT to the port of its Secrets Manager", theSecret, s.local)
		}
		return "", "", err
	}
	return aws.ToString(out.SecretString), aws.ToString(out.VersionId), nil
}

// Replace makes text the current one in place of a version that Read gave. It is written
// beside that one first, and then becomes current in a call that Secrets Manager refuses
// when another version is current by then: so of two people who change the secret at the
// same moment, the later one changes nothing, and is told.
func (s Secret) Replace(ctx context.Context, version, text string) error {
	if s.Client == nil {
		return errNoSecret
	}
	put, err := s.Client.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{
		SecretId: &s.ID, SecretString: &text, VersionStages: []string{next},
	})
	if err == nil {
		_, err = s.Client.UpdateSecretVersionStage(ctx, &secretsmanager.UpdateSecretVersionStageInput{
			SecretId: &s.ID, VersionStage: aws.String("AWSCURRENT"),
			MoveToVersionId: put.VersionId, RemoveFromVersionId: &version,
		})
		if _, moved := errors.AsType[*types.InvalidParameterException](err); moved {
			return errors.New("somebody else changed the secret DigestKeys at the same moment: nothing is changed," +
				" look at it with `customercare keys show`, and try again if a key is still needed")
		}
	}
	return Explain(ctx, theSecret, err)
}

// Forget takes every staging label from the versions other than the current one of which
// holds says that they hold what is to be forgotten: such a version is deprecated, and
// Secrets Manager deletes it in the background. Nothing else deletes a single version.
// kept is how many of them are there still: until they are gone, who may read the secret
// can read them by their ids.
func (s Secret) Forget(ctx context.Context, holds func(text string) bool) (kept int, err error) {
	if s.Client == nil {
		return 0, errNoSecret
	}
	in := &secretsmanager.ListSecretVersionIdsInput{SecretId: &s.ID, IncludeDeprecated: aws.Bool(true)}
	for pages := secretsmanager.NewListSecretVersionIdsPaginator(s.Client, in); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return 0, Explain(ctx, theSecret, err)
		}
		for _, version := range page.Versions {
			held, err := s.forget(ctx, version, holds)
			if err != nil {
				return 0, Explain(ctx, theSecret, err)
			}
			kept += held
		}
	}
	return kept, nil
}

// forget does what Forget does to one version; held is 1 where the version is to be
// forgotten, or else 0.
func (s Secret) forget(
	ctx context.Context, version types.SecretVersionsListEntry, holds func(text string) bool,
) (held int, err error) {
	if slices.Contains(version.VersionStages, "AWSCURRENT") {
		return 0, nil
	}
	out, err := s.Client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{
		SecretId: &s.ID, VersionId: version.VersionId,
	})
	if _, gone := errors.AsType[*types.ResourceNotFoundException](err); gone || err == nil &&
		!holds(aws.ToString(out.SecretString)) {
		return 0, nil
	}
	for _, label := range version.VersionStages {
		if err == nil {
			_, err = s.Client.UpdateSecretVersionStage(ctx, &secretsmanager.UpdateSecretVersionStageInput{
				SecretId: &s.ID, VersionStage: &label, RemoveFromVersionId: version.VersionId,
			})
		}
	}
	return 1, err
}
