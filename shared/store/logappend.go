package store

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/mod/sumdb/tlog"
)

// Begin writes the first head, that of the empty log. ErrLogGrown when there is a head.
func (l Log) Begin(ctx context.Context, first Head) error {
	_, err := l.DB.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &l.Table, Item: first.item(), ConditionExpression: aws.String("attribute_not_exists(part)"),
	})
	if _, conflict := conditionFailed(err); conflict {
		return ErrLogGrown
	}
	return failed("log: begin", err)
}

// HasTiles says whether there are tiles, which without a head are the remains of a log.
func (l Log) HasTiles(ctx context.Context) (bool, error) {
	items, err := l.read(ctx, []string{tilePart(0, 0)}, "hashes")
	return len(items) > 0, err
}

// NewTile is a tile as Append writes it.
type NewTile struct {
	tlog.Tile
	Hashes []byte
	Leaves []string // the names of the leaves, at level 0
}

func (t NewTile) item() object {
	item := logKey(tilePart(t.L, t.N))
	item["hashes"] = binary(t.Hashes)
	if t.L == 0 {
		item["leaves"] = texts(t.Leaves)
	}
	return Stamp(item)
}

// Append makes the log grow from one head to the next in one transaction: the head and
// the tiles that are new or longer, whole. The condition is that the head still has the
// tree that the caller has read, so of two runs at once one appends. ErrLogGrown for the
// other one, and for a run whose answer was lost and who sends the call again: reading
// the head tells which of the two it is. ErrNewer.
func (l Log) Append(ctx context.Context, before, after Head, tiles []NewTile) error {
	actions := []types.TransactWriteItem{{Put: &types.Put{
		TableName: &l.Table, Item: after.item(),
		ConditionExpression:      aws.String("#size = :size AND #root = :root AND " + understood),
		ExpressionAttributeNames: map[string]string{"#size": "size", "#root": "root"},
		ExpressionAttributeValues: object{
			":size": number(before.Tree.N), ":root": binary(before.Tree.Hash[:]), ":v": schema,
		},
		ReturnValuesOnConditionCheckFailure: allOld,
	}}}
	for _, tile := range tiles {
		actions = append(actions, types.TransactWriteItem{Put: &types.Put{
			TableName: &l.Table, Item: tile.item(), ConditionExpression: aws.String(understood),
			ExpressionAttributeValues:           onlySchema(),
			ReturnValuesOnConditionCheckFailure: allOld,
		}})
	}
	_, err := l.DB.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: actions})
	if err = transacted("log: append", err); errors.Is(err, ErrRaced) {
		return ErrLogGrown
	}
	return err
}

// SetSealed notes that the records of the leaves below to know their places, so that no
// later run marks them again. Where another run has noted more, that stays. ErrNewer.
func (l Log) SetSealed(ctx context.Context, to int64) error {
	_, err := l.DB.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &l.Table, Key: logKey(headKey),
		ConditionExpression:       aws.String("sealed < :to AND #size >= :to AND " + understood),
		UpdateExpression:          aws.String("SET sealed = :to"),
		ExpressionAttributeNames:  map[string]string{"#size": "size"},
		ExpressionAttributeValues: object{":to": number(to), ":v": schema},

		ReturnValuesOnConditionCheckFailure: allOld,
	})
	if item, done := conditionFailed(err); done {
		return unlessNewer(item)
	}
	return failed("log: note what is sealed", err)
}
