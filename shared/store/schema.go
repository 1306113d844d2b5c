package store

import (
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Items that only this product writes carry the number of their schema in the attribute
// v: those of the ledger, of holds, of the log, of rules, and principals with their
// tokens. Failures carry none, because two versions that run side by side have to count
// in the same item. The tables of users, customers and contacts are written by others,
// who would have to keep such a number right: what they call v is theirs.
//
// An item without a number is of schema 1. A change that an older version may not write
// over, or may not answer from, raises the number of what it writes; then the kinds of
// items have numbers of their own. A change that only adds attributes does not
// (docs/upgrade.md).
//
// An item with a higher number than Schema was written by a newer version. It is left
// alone: a reading gives ErrNewer, and every write has understood in its condition.

// Schema is the number of the schema in which this version writes items, and the highest
// that it reads.
const Schema = 1

// SchemaAttribute is the attribute with the number.
const SchemaAttribute = "v"

// schema is the value of SchemaAttribute in what this version writes, and of ":v".
var schema = number(Schema)

// onlySchema are the values of a condition that is understood alone, made anew for each
// write: some add others to them.
func onlySchema() object { return object{":v": schema} }

// understood is the condition that no newer version has written the item. It also holds
// where there is none. ":v" is schema.
const understood = "(attribute_not_exists(v) OR v <= :v)"

// setSchema stamps an item that an update may make. One that is there keeps its number.
const setSchema = "SET v = if_not_exists(v, :v)"

// ErrNewer says that a newer version has written an item, and that nothing was written.
// That version goes on with the item, so the same call may succeed a little later. It is
// a whole sentence, which a command shows as it is.
var ErrNewer error = raced{
	"a newer version of customercare has written this, and only that version can go on with it",
}

// Stamp puts the number of this version's schema into an item that is being written, and
// returns the item.
func Stamp(item map[string]types.AttributeValue) map[string]types.AttributeValue {
	item[SchemaAttribute] = schema
	return item
}

// IfUnderstood adds understood to the condition, "" for none, of a write by a program
// that is not a function. values has to be the write's own, and gets ":v".
func IfUnderstood(condition string, values map[string]types.AttributeValue) string {
	values[":v"] = schema
	if condition == "" {
		return understood
	}
	return "(" + condition + ") AND " + understood
}

// Newer says whether a newer version has written an item, as it was read. A number that
// is none is taken for one of a newer version.
func Newer(item map[string]types.AttributeValue) bool {
	for _, key := range []string{"customerId", "customer", "party"} { // the tables of others
		if item[key] != nil {
			return false
		}
	}
	value, there := item[SchemaAttribute]
	if !there {
		return false
	}
	digits, ok := value.(*types.AttributeValueMemberN)
	if !ok {
		return true
	}
	n, err := strconv.ParseFloat(digits.Value, 64)
	return err != nil || n > Schema
}

// unlessNewer is ErrNewer where a newer version has written one of these items.
func unlessNewer[I ~map[string]types.AttributeValue](items ...I) error {
	for _, item := range items {
		if Newer(item) {
			return ErrNewer
		}
	}
	return nil
}

// allOld asks for the item on which a condition did not hold, which says whether a newer
// version has written it. It costs nothing.
const allOld = types.ReturnValuesOnConditionCheckFailureAllOld
