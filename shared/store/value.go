package store

import (
	"math/big"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Attribute values are written and read by plain functions. The SDK has a package for
// that, attributevalue, but its reflection would be the largest part of some binaries.

// object is an item, or a value of the type map.
type object map[string]types.AttributeValue

func (o object) value() types.AttributeValue { return &types.AttributeValueMemberM{Value: o} }

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func number[N int | int64](n N) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(int64(n), 10)}
}

func flag(set bool) types.AttributeValue { return &types.AttributeValueMemberBOOL{Value: set} }

func texts(all []string) types.AttributeValue {
	list := make([]types.AttributeValue, len(all))
	for i, s := range all {
		list[i] = text(s)
	}
	return &types.AttributeValueMemberL{Value: list}
}

// Values that most writes of the ledger and of failures have in common, made once.
var one, open = number(1), text("open")

// set is a set of texts, at least one: DynamoDB has no empty sets.
func set(all ...string) types.AttributeValue { return &types.AttributeValueMemberSS{Value: all} }

// The methods that read give the zero value for an attribute that is missing or of
// another type.

func (o object) text(name string) string {
	v, _ := o[name].(*types.AttributeValueMemberS)
	if v == nil {
		return ""
	}
	return v.Value
}

func (o object) number(name string) int64 {
	v, _ := o[name].(*types.AttributeValueMemberN)
	if v == nil {
		return 0
	}
	n, _ := wholePart(v.Value) // DynamoDB stores only numbers in it
	return n
}

// wholePart is a number without its fraction. The times of other writers may have one, or
// an exponent, which DynamoDB Local gives back as it was written. The error is strconv's.
func wholePart(digits string) (int64, error) {
	if strings.ContainsAny(digits, "eE") {
		number, ok := new(big.Rat).SetString(digits)
		if !ok {
			return 0, strconv.ErrSyntax
		}
		digits = new(big.Int).Quo(number.Num(), number.Denom()).String()
	}
	whole, _, _ := strings.Cut(digits, ".")
	return strconv.ParseInt(whole, 10, 64)
}

func (o object) flag(name string) bool {
	v, _ := o[name].(*types.AttributeValueMemberBOOL)
	return v != nil && v.Value
}

func (o object) texts(name string) []string {
	all, _ := Texts(o[name])
	return all
}

// Texts is the strings in a list, or in the string set that another writer may have
// stored in its place. whole is false when the value is neither, or when something else
// is in it: then all is what could be read, and the caller must not take it for
// everything.
func Texts(value types.AttributeValue) (all []string, whole bool) {
	switch v := value.(type) {
	case *types.AttributeValueMemberSS:
		return v.Value, true
	case *types.AttributeValueMemberL:
		all = make([]string, 0, len(v.Value))
		for _, member := range v.Value {
			if s, ok := member.(*types.AttributeValueMemberS); ok {
				all = append(all, s.Value)
			}
		}
		return all, len(all) == len(v.Value)
	}
	return nil, false
}
