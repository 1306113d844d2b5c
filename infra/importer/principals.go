package importer

import (
	"context"
	"errors"
	"maps"
	"reflect"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/attribute"
	"customercare/shared/principal"
	"customercare/shared/store"
)

// Changed is the attribute of a principal that says when its secrets were changed last,
// in Unix seconds. The functions do not look at it.
const Changed = "changed"

// Principal makes the item of the operator, API user or app that a line of the format
// describes, as it is stored when it is loaded at that time. It writes nothing.
func Principal(line []byte, at time.Time) (map[string]types.AttributeValue, error) {
	r, err := parse(line)
	if err != nil {
		return nil, err
	}
	if r.item["principal"] == nil {
		return nil, refuse("the record is neither an operator, nor an apiUser, nor an app")
	}
	item, _ := r.principal(nil, at)
	return item, nil
}

// principal gives the item that the record makes of the standing one of its name, nil
// where there is none, and whether it differs. Where the secrets are the same their time
// stays.
func (r *record) principal(standing object, at time.Time) (item object, differs bool) {
	item, standing = maps.Clone(r.item), maps.Clone(standing)
	if r.kind == store.Operator {
		hashes, _ := store.Texts(standing["hashes"]) // what is no hash is none of the passwords'
		item["hashes"] = attribute.Texts(principal.HashPasswords(r.secrets, hashes)...)
	}
	item[Changed] = attribute.Number(at.Unix())
	if reflect.DeepEqual(standing["hashes"], item["hashes"]) {
		delete(item, Changed)
		if was, known := standing[Changed]; known {
			item[Changed] = was
		}
	}
	return item, !reflect.DeepEqual(standing, item)
}

// writePrincipal puts an operator, an API user or an app in place of the one of its name.
func (l *loader) writePrincipal(ctx context.Context, r *record) error {
	err := l.persist(ctx, l.Tables.Principals, func() error {
		found, err := l.Client.GetItem(ctx, &dynamodb.GetItemInput{
			TableName:      &l.Tables.Principals,
			ConsistentRead: aws.Bool(true),
			Key:            object{"principal": r.item["principal"]},
		})
		if err != nil {
			return err
		}
		if item, differs := r.principal(found.Item, time.Now()); differs {
			_, err = l.Client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &l.Tables.Principals, Item: item})
		}
		return err
	})
	if err == nil || errors.Is(err, errInvalid) {
		l.settle(r, err)
		return nil
	}
	return err
}
