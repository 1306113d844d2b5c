// Package quotas is what AWS documents of a DynamoDB item: how its size counts, and what
// it may hold. The engines that stand in for DynamoDB each keep to a part of it. So the
// importer and the benchmark go by these rules and not by an engine's.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html and
// CapacityUnitCalculations.html.
package quotas

import (
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Item is the attributes of an item, or of a map, by their names.
type Item = map[string]types.AttributeValue

// The limits. Sizes are in bytes.
const (
	MaxItem         = 400 << 10 // names included
	MaxPartitionKey = 2048
	MaxSortKey      = 1024
	MaxName         = 65535 // of one attribute, at any depth
	MaxDepth        = 32    // levels of lists and maps in one attribute
)

// Check says what of an item DynamoDB would not take, or nil. partition and sort name its
// key attributes, sort is "" in a table without one. The error's text ends a sentence
// that begins with "the record", and says nothing of what the item holds.
func Check(item Item, partition, sort string) error {
	if err := checkKey(item[partition], MaxPartitionKey); err != nil {
		return err
	}
	if sort != "" {
		if err := checkKey(item[sort], MaxSortKey); err != nil {
			return err
		}
	}
	if err := checkMap(item, 0); err != nil {
		return err
	}
	if Size(item) > MaxItem {
		return ErrTooLarge
	}
	return nil
}

// What Check finds.
var (
	ErrTooLarge = errors.New("is larger than the 400 KB that DynamoDB takes")
	errDeep     = fmt.Errorf("is nested deeper than %d levels", MaxDepth)
	errName     = fmt.Errorf("holds an empty name, or one longer than %d bytes", MaxName)
	errSet      = errors.New("holds an empty set, or one that names a member twice")
	errNumber   = errors.New("holds a number that DynamoDB cannot keep exactly")
	errNoValue  = errors.New("holds a value of no type of DynamoDB's")
)

// checkKey takes a string or bytes of 1 to most bytes, or a number.
func checkKey(key types.AttributeValue, most int) error {
	size := 0
	switch v := key.(type) {
	case *types.AttributeValueMemberS:
		size = len(v.Value)
	case *types.AttributeValueMemberB:
		size = len(v.Value)
	case *types.AttributeValueMemberN:
		return nil // its value is checked with all others
	}
	if size == 0 || size > most {
		return fmt.Errorf("has a key that is not 1 to %d bytes long", most)
	}
	return nil
}

// checkMap checks attributes that lie within depth lists and maps.
func checkMap(attributes Item, depth int) error {
	for name, value := range attributes {
		if name == "" || len(name) > MaxName {
			return errName
		}
		if err := checkValue(value, depth); err != nil {
			return err
		}
	}
	return nil
}

// checkValue checks one value that lies within depth lists and maps.
func checkValue(value types.AttributeValue, depth int) error {
	switch v := value.(type) {
	case *types.AttributeValueMemberS, *types.AttributeValueMemberB, *types.AttributeValueMemberBOOL, *types.AttributeValueMemberNULL:
		return nil
	case *types.AttributeValueMemberN:
		return checkNumbers(v.Value)
	case *types.AttributeValueMemberNS:
		return errors.Join(checkSet(v.Value), checkNumbers(v.Value...))
	case *types.AttributeValueMemberSS:
		return checkSet(v.Value)
	case *types.AttributeValueMemberBS:
		texts := make([]string, len(v.Value))
		for i, b := range v.Value {
			texts[i] = string(b)
		}
		return checkSet(texts)
	case *types.AttributeValueMemberM:
		if depth == MaxDepth {
			return errDeep
		}
		return checkMap(v.Value, depth+1)
	case *types.AttributeValueMemberL:
		if depth == MaxDepth {
			return errDeep
		}
		for _, member := range v.Value {
			if err := checkValue(member, depth+1); err != nil {
				return err
			}
		}
		return nil
	}
	return errNoValue
}

// checkNumbers checks numbers, alone or of a set.
func checkNumbers(numbers ...string) error {
	for _, n := range numbers {
		if !Storable(n) {
			return errNumber
		}
	}
	return nil
}

// checkSet takes a set that has members, each once.
func checkSet(members []string) error {
	seen := map[string]bool{}
	for _, member := range members {
		seen[member] = true
	}
	if len(members) == 0 || len(seen) < len(members) {
		return errSet
	}
	return nil
}
