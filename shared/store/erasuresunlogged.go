package store

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Unlogged is a record that the index shows to hold a statement that is not in the log
// yet. The index is eventually consistent, so it may show a record too late, for too long
// and twice: only the record itself says what it holds (ReadStatements).
type Unlogged struct {
	ID    string    // of the erasure
	Since time.Time // when the statement was made
}

// ListUnlogged lists records that hold unlogged statements, at most about limit in all:
// of each shard those first that wait longest. index is the name of the table's index of
// them. Its error tells of every shard that could not be read to its end; the records
// that could be read come with it.
func (e Erasures) ListUnlogged(ctx context.Context, index string, limit int) ([]Unlogged, error) {
	return listShards(ctx, e, sparse{"erasures: list unlogged", index, "unlogged"}, limit,
		func(record object) Unlogged {
			id, _ := strings.CutPrefix(record.text("erasureId"), RecordPrefix)
			return Unlogged{ID: id, Since: record.millis("unloggedAt")}
		})
}

// NotLogged is the place in the log of a statement that has none.
const NotLogged = -1

// Statements are the statements of a record, and the numbers of their leaves in the log.
type Statements struct {
	Accepted, Ended         string // the lines, "" where there is none
	AcceptedLeaf, EndedLeaf int64  // NotLogged where the record knows of no leaf
	// Readable is false when one of them has a type that no program of ours gives it.
	// Then nobody can say what is in the log and what is not.
	Readable bool
	// Newer says that a newer version has written the record, which seals it: nothing
	// else is said of it.
	Newer bool
}

// statementAttributes are what ReadStatements reads of a record.
const statementAttributes = "erasureId, accepted, #statement, acceptedLeaf, endLeaf, v"

// ReadStatements reads the statements of records by their ids, strongly consistent. An id
// without a record is left out.
func (e Erasures) ReadStatements(ctx context.Context, ids []string) (map[string]Statements, error) {
	found := make(map[string]Statements, len(ids))
	for len(ids) > 0 {
		keys := make([]map[string]types.AttributeValue, min(len(ids), maxReadKeys))
		for i := range keys {
			keys[i] = ledgerKey(RecordPrefix + ids[i])
		}
		items, err := readItems(ctx, e.DB, "erasures: read statements", e.Table, types.KeysAndAttributes{
			Keys: keys, ConsistentRead: aws.Bool(true), ProjectionExpression: aws.String(statementAttributes),
			ExpressionAttributeNames: statementNames,
		}, readAttempts)
		if err != nil {
			return nil, err
		}
		for _, item := range items {
			found[strings.TrimPrefix(object(item).text("erasureId"), RecordPrefix)] = readStatements(item)
		}
		ids = ids[len(keys):]
	}
	return found, nil
}

// statementNames are the names in expressions that DynamoDB might reserve.
var statementNames = map[string]string{"#statement": "statement"}

func readStatements(record object) Statements {
	if Newer(record) {
		return Statements{Newer: true}
	}
	s := Statements{
		Accepted: record.text("accepted"), Ended: record.text("statement"),
		AcceptedLeaf: NotLogged, EndedLeaf: NotLogged, Readable: true,
	}
	for name, leaf := range map[string]*int64{"acceptedLeaf": &s.AcceptedLeaf, "endLeaf": &s.EndedLeaf} {
		if value, there := record[name]; there {
			_, isNumber := value.(*types.AttributeValueMemberN)
			s.Readable = s.Readable && isNumber
			*leaf = record.number(name)
		}
	}
	for _, name := range []string{"accepted", "statement"} {
		if value, there := record[name]; there {
			_, isText := value.(*types.AttributeValueMemberS)
			s.Readable = s.Readable && isText
		}
	}
	return s
}

// MarkLeaf writes into a record which leaf of the log one of its statements is, and takes
// the record out of the index when nothing of it is left to be logged. sealedAt is when
// the log's checkpoint was signed. To do it again changes nothing. A record that is gone
// stays gone. ErrNewer.
func (e Erasures) MarkLeaf(ctx context.Context, leaf Leaf, number int64, sealedAt time.Time) error {
	if leaf.End {
		_, err := e.mark(ctx, leaf.ID, markEnd, number, sealedAt)
		return err
	}
	marked, err := e.mark(ctx, leaf.ID, markAcceptedAlone, number, sealedAt)
	if err != nil || marked {
		return err
	}
	_, err = e.mark(ctx, leaf.ID, markAccepted, number, sealedAt)
	return err
}

// mark is a write of MarkLeaf, with the condition that it depends on.
type mark struct {
	condition, update string
	names             map[string]string
}

// sealedNames are those of a write that takes a record out of the index, whose key's name
// DynamoDB reserves.
var sealedNames = map[string]string{"#statement": "statement", "#unlogged": "unlogged"}

var (
	// markAcceptedAlone is for a record whose end has not come: nothing else is left to
	// be logged. Where a statement of the end stands, the record has to stay in the
	// index, or that statement would never be logged.
	markAcceptedAlone = mark{
		condition: "attribute_exists(erasureId) AND attribute_not_exists(#statement)",
		update:    "SET acceptedLeaf = :leaf, acceptedSealedAt = :at REMOVE #unlogged, unloggedAt",
		names:     sealedNames,
	}
	markAccepted = mark{
		condition: "attribute_exists(erasureId) AND attribute_exists(#statement)",
		update:    "SET acceptedLeaf = :leaf, acceptedSealedAt = :at",
		names:     statementNames,
	}
	markEnd = mark{
		condition: "attribute_exists(erasureId) AND attribute_exists(#statement)",
		update:    "SET endLeaf = :leaf, endSealedAt = :at REMOVE #unlogged, unloggedAt",
		names:     sealedNames,
	}
)

// mark makes the write; marked is false where its condition does not hold.
func (e Erasures) mark(
	ctx context.Context, id string, how mark, leaf int64, sealedAt time.Time,
) (marked bool, err error) {
	_, err = e.DB.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                 &e.Table,
		Key:                       ledgerKey(RecordPrefix + id),
		ConditionExpression:       aws.String(how.condition + " AND " + understood),
		UpdateExpression:          &how.update,
		ExpressionAttributeNames:  how.names,
		ExpressionAttributeValues: object{":leaf": number(leaf), ":at": millis(sealedAt), ":v": schema},

		ReturnValuesOnConditionCheckFailure: allOld,
	})
	if item, conflict := conditionFailed(err); conflict {
		return false, unlessNewer(item)
	}
	return err == nil, failed("erasures: mark a leaf", err)
}
