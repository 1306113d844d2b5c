package importer

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"customercare/shared/principal"
	"customercare/shared/store"
)

// writePrincipal puts an operator, an API user or an app in place of the one of its name.
func (l *loader) writePrincipal(ctx context.Context, r *record) error {
	if r.kind == store.Operator {
		hashes, err := l.passwordHashes(ctx, r)
		if err != nil {
			return l.settled(r, err)
		}
		r.item["hashes"] = texts(hashes)
	}
	err := persist(ctx, l.Tables.Principals, func() error {
		_, err := l.Client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &l.Tables.Principals, Item: r.item})
		return err
	})
	return l.settled(r, err)
}

// passwordHashes are those that stand already when they are of the same passwords, so that loading a file again changes
// nothing; otherwise new ones.
func (l *loader) passwordHashes(ctx context.Context, r *record) ([]string, error) {
	var standing []string
	err := persist(ctx, l.Tables.Principals, func() error {
		out, err := l.Client.GetItem(ctx, &dynamodb.GetItemInput{
			TableName:            &l.Tables.Principals,
			ConsistentRead:       aws.Bool(true),
			Key:                  object{"principal": r.item["principal"]},
			ProjectionExpression: aws.String("hashes"),
		})
		if err != nil {
			return err
		}
		standing, _ = store.Texts(out.Item["hashes"]) // what is no hash is none of the passwords'
		return nil
	})
	if err != nil {
		return nil, err
	}
	return principal.HashPasswords(r.secrets, standing), nil
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
