package store

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"golang.org/x/mod/sumdb/tlog"
)

// checkpointKey is the ledger's item with the newest checkpoint that seal-ledger knows
// of: its memory outside of the log. A log that was restored to an earlier time, or was
// changed, does not fit it.
const checkpointKey = "checkpoint"

// ReadCheckpoint reads the tree that the ledger remembers of the log. known is false
// where it remembers none. ErrLogDamaged when the item has another form. ErrNewer.
func (e Erasures) ReadCheckpoint(ctx context.Context) (tree tlog.Tree, known bool, err error) {
	out, err := e.DB.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &e.Table, Key: ledgerKey(checkpointKey), ConsistentRead: aws.Bool(true),
	})
	if err != nil || out.Item == nil {
		return tree, false, failed("erasures: read checkpoint", err)
	}
	if Newer(out.Item) {
		return tree, false, ErrNewer
	}
	root := object(out.Item).bytes("root")
	if tree.N = object(out.Item).number("size"); len(root) != tlog.HashSize || tree.N < 0 {
		return tree, false, ErrLogDamaged
	}
	tree.Hash = tlog.Hash(root)
	return tree, true, nil
}

// KeepCheckpoint lets the ledger remember a head of the log. What it remembers only
// grows: a run that is late changes nothing. ErrNewer.
func (e Erasures) KeepCheckpoint(ctx context.Context, head Head) error {
	_, err := e.DB.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                &e.Table,
		Key:                      ledgerKey(checkpointKey),
		ConditionExpression:      aws.String("(attribute_not_exists(erasureId) OR #size < :size) AND " + understood),
		UpdateExpression:         aws.String("SET #size = :size, #root = :root, #checkpoint = :checkpoint, v = :v"),
		ExpressionAttributeNames: map[string]string{"#size": "size", "#root": "root", "#checkpoint": "checkpoint"},
		ExpressionAttributeValues: object{
			":size": number(head.Tree.N), ":root": binary(head.Tree.Hash[:]), ":checkpoint": text(head.Checkpoint),
			":v": schema,
		},
		ReturnValuesOnConditionCheckFailure: allOld,
	})
	if item, known := conditionFailed(err); known {
		return unlessNewer(item)
	}
	return failed("erasures: keep checkpoint", err)
}
