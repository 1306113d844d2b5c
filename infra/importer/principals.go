package importer

import (
	"context"
	"errors"

	"github.com/alexedwards/argon2id"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/shared/principal"
	"customercare/shared/store"
)

// writePrincipal puts an operator, an API user or an app in place of the one of its name.
func (l *loader) writePrincipal(ctx context.Context, r *record) error {
	if r.kind == store.Operator {
		hash, err := l.passwordHash(ctx, r)
		if err != nil {
			return l.settled(r, err)
		}
		r.item["passwordHash"] = text(hash)
	}
	err := persist(ctx, l.Tables.Principals, func() error {
		_, err := l.Client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &l.Tables.Principals, Item: r.item})
		return err
	})
	return l.settled(r, err)
}

// passwordHash is the hash that stands already when it is one of the same password, so that loading a file again
// changes nothing; otherwise a new one.
func (l *loader) passwordHash(ctx context.Context, r *record) (string, error) {
	var standing *types.AttributeValueMemberS
	err := persist(ctx, l.Tables.Principals, func() error {
		out, err := l.Client.GetItem(ctx, &dynamodb.GetItemInput{
			TableName:            &l.Tables.Principals,
			ConsistentRead:       aws.Bool(true),
			Key:                  object{"principal": r.item["principal"]},
			ProjectionExpression: aws.String("passwordHash"),
		})
		if err == nil {
			standing, _ = out.Item["passwordHash"].(*types.AttributeValueMemberS)
		}
		return err
	})
	if err != nil {
		return "", err
	}
	if standing != nil {
		same, params, err := argon2id.CheckHash(r.secret, standing.Value)
		if err == nil && same && *params == principal.PasswordParams {
			return standing.Value, nil
		}
	}
	return argon2id.CreateHash(r.secret, &principal.PasswordParams)
}

// settled settles a record by the outcome of its one call; it returns what must end the load.
func (l *loader) settled(r *record, err error) error {
	switch {
	case err == nil:
		l.done(r)
	case errors.Is(err, errInvalid):
		l.fail(r, err.Error())
	default:
		return err
	}
	return nil
}
