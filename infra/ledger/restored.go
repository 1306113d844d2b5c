package ledger

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"customercare/infra/attribute"
	"customercare/infra/deployment"
	"customercare/shared/statement"
	"customercare/shared/store"
)

// restoredKind is the kind of the record of a restore.
const restoredKind = "restored"

// Restored puts the statement of a restore on record, which seal-ledger takes from there.
// by is who asked. Each call makes a record of its own, whose id it gives. The error is a
// sentence.
func (l Ledger) Restored(ctx context.Context, by string, at time.Time, said statement.Restored) (string, error) {
	s := statement.Statement{
		Type: statement.Restore, ID: store.NewID(at), By: by, At: statement.TimeOf(at), Restored: &said,
	}
	record := key(store.RecordPrefix + s.ID)
	record["kind"], record["statement"] = attribute.Text(restoredKind), attribute.Text(string(s.Line()))
	record["requestedBy"], record["requestedAt"] = attribute.Text(by), attribute.Number(at.UnixMilli())
	record["state"] = attribute.Text("done")
	// Any shard of the index does: restores are rare.
	record["unlogged"], record["unloggedAt"] = attribute.Text("0"), attribute.Number(at.UnixMilli())
	_, err := l.DB.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &l.Table, Item: store.Stamp(record), ConditionExpression: aws.String("attribute_not_exists(erasureId)"),
	})
	return s.ID, deployment.Explain(ctx, "the table "+l.Table, err)
}
