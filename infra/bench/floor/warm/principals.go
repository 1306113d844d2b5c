package main

import (
	"context"
	"crypto/subtle"
	"errors"
	"time"

	"github.com/alexedwards/argon2id"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/crypto/argon2"
)

// get reads two items of the principals' table, of which found are there.
func (w warm) get(ctx context.Context, first, second string) (found []item, err error) {
	out, err := w.db.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{
		w.principals: {
			Keys: []item{{"principal": text(first)}, {"principal": text(second)}}, ConsistentRead: aws.Bool(true),
		},
	}})
	if err != nil {
		return nil, err
	}
	return out.Responses[w.principals], nil
}

var errNotThere = errors.New("an item is not there")

// caller reads who calls, and the failed attempts from where they call: there are none.
func (w warm) caller(ctx context.Context, e event) (item, error) {
	found, err := w.get(ctx, e.Principal, e.Failures)
	if err != nil || len(found) != 1 {
		return nil, errors.Join(err, errNotThere)
	}
	return found[0], nil
}

// both reads a token and its app.
func (w warm) both(ctx context.Context, first, second string) error {
	found, err := w.get(ctx, first, second)
	if err == nil && len(found) != 2 {
		err = errNotThere
	}
	return err
}

// authorizeOperator makes the slow hash as well: no way leads around it.
func (w warm) authorizeOperator(ctx context.Context, e event) error {
	operator, err := w.caller(ctx, e)
	if err != nil {
		return err
	}
	hashes := operator["hashes"].(*types.AttributeValueMemberL)
	params, salt, want, err := argon2id.DecodeHash(hashes.Value[0].(*types.AttributeValueMemberS).Value)
	if err != nil {
		return err
	}
	got := argon2.IDKey([]byte(e.Secret), salt, params.Iterations, params.Memory, params.Parallelism, params.KeyLength)
	if subtle.ConstantTimeCompare(got, want) != 1 {
		return errors.New("another password")
	}
	return nil
}

func (w warm) issueToken(ctx context.Context, e event, now time.Time) error {
	if _, err := w.caller(ctx, e); err != nil {
		return err
	}
	_, err := w.db.PutItem(ctx, &dynamodb.PutItemInput{TableName: &w.principals, Item: item{
		"principal": text(e.Token), "appKey": text(e.Principal), "tenantId": text(e.Scope),
		"expires": number(now.Add(time.Hour).Unix()),
	}})
	return err
}
