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

// Changed is the attribute of a principal that says when it was changed last, in Unix
// seconds. The functions do not look at it.
const Changed = "changed"

// errNoPrincipal says that a line is a record of another kind.
const errNoPrincipal = refusal("the record is neither an operator, nor an apiUser, nor an app")

// Principal makes the item of the operator, API user or app that a line of the format
// describes, as it is stored when it is loaded at that time. It writes nothing.
func Principal(line []byte, at time.Time) (map[string]types.AttributeValue, error) {
	r, err := parse(line)
	if err != nil {
		return nil, err
	}
	if r.item["principal"] == nil {
		return nil, errNoPrincipal
	}
	if r.kind == store.Operator {
		r.item["hashes"] = attribute.Texts(principal.HashPasswords(r.secrets, nil)...)
	}
	r.item[Changed] = seconds(at)
	return r.item, nil
}

// writePrincipal puts an operator, an API user or an app in place of the one of its name.
// One that stands already as the record says stays as it is, so that loading a file again
// changes nothing, nor the time of the last change.
func (l *loader) writePrincipal(ctx context.Context, r *record) error {
	standing, err := l.standing(ctx, r)
	if err != nil {
		return l.settled(r, err)
	}
	if r.kind == store.Operator {
		hashes, _ := store.Texts(standing["hashes"]) // what is no hash is none of the passwords'
		r.item["hashes"] = attribute.Texts(principal.HashPasswords(r.secrets, hashes)...)
	}
	was := maps.Clone(standing)
	delete(was, Changed)
	if reflect.DeepEqual(was, r.item) {
		return l.settled(r, nil)
	}
	r.item[Changed] = seconds(time.Now())
	err = persist(ctx, l.Tables.Principals, func() error {
		_, err := l.Client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &l.Tables.Principals, Item: r.item})
		return err
	})
	return l.settled(r, err)
}

// standing is the item that has the record's key now, nil where there is none.
func (l *loader) standing(ctx context.Context, r *record) (item object, err error) {
	err = persist(ctx, l.Tables.Principals, func() error {
		out, err := l.Client.GetItem(ctx, &dynamodb.GetItemInput{
			TableName:      &l.Tables.Principals,
			ConsistentRead: aws.Bool(true),
			Key:            object{"principal": r.item["principal"]},
		})
		if err == nil {
			item = out.Item
		}
		return err
	})
	return item, err
}

// settled settles a record by the outcome of its one call; it returns what must end the
// load.
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
