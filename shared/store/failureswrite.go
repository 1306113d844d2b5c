package store

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// statement is a part of one UpdateItem on an item of failures: clauses of its update
// expression, and the condition without which nothing at all is written.
//
// "$" stands for the place of the count that the statement is about. In a statement about
// Guesses, "#last$" is written #lastGuesses and means the attribute last<p>g; ":last$" is
// written :lastGuesses. So one write can say the same of several counts. Beside each
// statement stands an example of what DynamoDB gets.
type statement struct{ set, add, remove, condition string }

// placed are the attributes that a statement can name with "#" and "$".
var placed = []string{"n", "since", "last", "locks", "attempt", "tags", "turn"}

// failureWrite is one UpdateItem on an item of failures in the making; the test of this
// file shows some as a whole.
type failureWrite struct {
	db                           *dynamodb.Client
	table, key                   string
	at                           places
	set, add, remove, conditions []string
	names                        map[string]string
	values                       object
}

// write begins a write to the item of seen. The item stays until expires at least.
func (p Principals) write(seen Failures, expires time.Time) *failureWrite {
	return &failureWrite{
		db: p.DB, table: p.Table, key: failuresKey(seen.source), at: placesOf(seen.principal),
		set:    []string{"expires = :expires"},
		names:  map[string]string{},
		values: object{":expires": number(expires.Unix())},
	}
}

// include adds a statement to the write, about the count at this place. values are those
// of the statement, and no others: DynamoDB refuses a value that nothing uses.
func (w *failureWrite) include(s statement, at place, values object) {
	w.set = w.clause(w.set, s.set, at)
	w.add = w.clause(w.add, s.add, at)
	w.remove = w.clause(w.remove, s.remove, at)
	w.conditions = w.clause(w.conditions, s.condition, at)
	for name, value := range values {
		w.values[strings.ReplaceAll(name, "$", at.name)] = value
	}
}

func (w *failureWrite) clause(clauses []string, clause string, at place) []string {
	if clause == "" {
		return clauses
	}
	for _, attribute := range placed {
		if strings.Contains(clause, "#"+attribute+"$") {
			w.names["#"+attribute+at.name] = attribute + at.suffix
		}
	}
	return append(clauses, strings.ReplaceAll(clause, "$", at.name))
}

// drop removes an attribute. name stands for it in the write, and for no other.
func (w *failureWrite) drop(name, attribute string) {
	w.names[name] = attribute
	w.remove = append(w.remove, name)
}

// send makes the write. Its error is the SDK's; that of a condition carries the item.
func (w *failureWrite) send(ctx context.Context) error {
	update := "SET " + strings.Join(w.set, ", ")
	if len(w.add) > 0 {
		update += " ADD " + strings.Join(w.add, ", ")
	}
	if len(w.remove) > 0 {
		update += " REMOVE " + strings.Join(w.remove, ", ")
	}
	in := &dynamodb.UpdateItemInput{
		TableName:                           &w.table,
		Key:                                 object{"principal": text(w.key)},
		UpdateExpression:                    &update,
		ExpressionAttributeValues:           w.values,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
	if len(w.names) > 0 {
		in.ExpressionAttributeNames = w.names
	}
	if len(w.conditions) > 0 {
		in.ConditionExpression = aws.String(strings.Join(w.conditions, " AND "))
	}
	_, err := w.db.UpdateItem(ctx, in)
	return err
}
