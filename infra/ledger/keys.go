package ledger

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/attribute"
	"customercare/infra/deployment"
	"customercare/shared/statement"
	"customercare/shared/store"
)

// keyPrefix begins the id of a destroyed key's record, which the key's own id follows. So
// a key has one record, however often and by how many it is destroyed.
const keyPrefix = "key-"

// keyKind is the kind of such a record.
const keyKind = "key"

// KeyDestroyed is when the key of digests with this id was destroyed, nil for one that
// was not. The error is a sentence.
func (l Ledger) KeyDestroyed(ctx context.Context, id string) (*time.Time, error) {
	found, err := l.get(ctx, store.RecordPrefix+keyPrefix+id)
	if err != nil || found == nil {
		return nil, err
	}
	s, err := statement.Parse([]byte(attribute.ReadText(found, "statement")))
	if err != nil {
		return nil, errors.New("the record of the key " + id + " in the ledger cannot be read")
	}
	return &s.At.Time, nil
}

// DestroyKey puts on record that the key of digests with this id is destroyed, with the
// statement for the sealed log, which seal-ledger takes from there. The caller has
// destroyed it. Where it is on record already nothing changes. destroyed is the time on
// record; the error is a sentence.
func (l Ledger) DestroyKey(ctx context.Context, id string, at time.Time) (destroyed *time.Time, err error) {
	s := statement.Statement{
		Type: statement.KeyDestroyed, ID: keyPrefix + id, Key: id, At: statement.TimeOf(at),
	}
	record := key(store.RecordPrefix + s.ID)
	record["kind"], record["statement"] = attribute.Text(keyKind), attribute.Text(string(s.Line()))
	// Any shard of the index does: there is one such record a year.
	record["unlogged"], record["unloggedAt"] = attribute.Text("0"), attribute.Number(at.UnixMilli())
	_, err = l.DB.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &l.Table, Item: store.Stamp(record), ConditionExpression: aws.String("attribute_not_exists(erasureId)"),
	})
	if _, there := errors.AsType[*types.ConditionalCheckFailedException](err); there {
		return l.KeyDestroyed(ctx, id)
	}
	return &s.At.Time, deployment.Explain(ctx, "the table "+l.Table, err)
}
