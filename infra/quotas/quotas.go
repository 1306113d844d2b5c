// Package quotas is what AWS documents of a DynamoDB item: how its size counts, and what
// it may hold. The engines that stand in for DynamoDB each keep to a part of it. So the
// importer and the benchmark go by these rules and not by an engine's.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html and
// CapacityUnitCalculations.html.
package quotas

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/attribute"
)

// The limits. Sizes are in bytes.
const (
	MaxItem         = 400 << 10 // names included
	MaxPartitionKey = 2048
	MaxSortKey      = 1024
	MaxName         = 65535 // of one attribute, at any depth
	MaxDepth        = 32    // levels of lists and maps in one attribute
)

// Size is an item's size in bytes as AWS documents it: names and texts in UTF-8, bytes as
// they are, a number as sizeOfNumber says, 1 for a boolean and a null, and for a list or
// a map 3 and 1 more for each member. A set is what its members are.
func Size(item attribute.Item) int {
	sum := 0
	for name, value := range item {
		sum += len(name) + SizeOf(value)
	}
	return sum
}

// SizeOf is the size of one value, without its name.
func SizeOf(value types.AttributeValue) int {
	sum := 0
	switch v := value.(type) {
	case *types.AttributeValueMemberS:
		return len(v.Value)
	case *types.AttributeValueMemberN:
		return sizeOfNumber(v.Value)
	case *types.AttributeValueMemberB:
		return len(v.Value)
	case *types.AttributeValueMemberSS:
		return len(strings.Join(v.Value, ""))
	case *types.AttributeValueMemberNS:
		for _, member := range v.Value {
			sum += sizeOfNumber(member)
		}
	case *types.AttributeValueMemberBS:
		return len(bytes.Join(v.Value, nil))
	case *types.AttributeValueMemberM:
		return 3 + len(v.Value) + Size(v.Value)
	case *types.AttributeValueMemberL:
		sum = 3 + len(v.Value)
		for _, member := range v.Value {
			sum += SizeOf(member)
		}
	default: // BOOL, NULL
		return 1
	}
	return sum
}

// sizeOfNumber is one byte for every two significant digits and one more: leading and
// trailing zeros do not count. AWS calls that approximate, and does not say what a minus
// takes. It takes a byte here, as in every engine we know. DynamoDB Local counts pairs of
// digits from the decimal point on, which makes some numbers a byte longer: 120 has three
// bytes there, and two here.
func sizeOfNumber(text string) int {
	n := parse(text)
	size := (len(n.digits)+1)/2 + 1
	if n.minus && n.digits != "" {
		size++
	}
	return size
}

// The range of numbers: MaxDigits significant digits, a magnitude of 1E-130 to
// 9.99...E+125, or zero.
const (
	MaxDigits   = 38
	minExponent = -130
	maxExponent = 125
)

// number is a decimal number taken apart. exponent is the power of ten of its first
// digit; a zero has no digits.
type number struct {
	minus    bool
	digits   string // without zeros at either end
	exponent int
}

// parse reads a number as JSON writes it. An exponent beyond powerBits bits is cut to the
// largest, or smallest, one: both are out of DynamoDB's range, and no text is long enough
// for its digits to bring the number back into it.
func parse(text string) number {
	const powerBits = 42 // so that the sum below cannot overflow
	rest, minus := strings.CutPrefix(text, "-")
	mantissa, power, _ := strings.Cut(strings.ToLower(rest), "e")
	whole, fraction, _ := strings.Cut(mantissa, ".")
	all := whole + fraction
	digits := strings.TrimLeft(all, "0")
	shift, _ := strconv.ParseInt(power, 10, powerBits) // 0 where no exponent is written
	exponent := len(whole) - 1 - (len(all) - len(digits)) + int(shift)
	return number{minus, strings.TrimRight(digits, "0"), exponent}
}

// Plain is a storable number in a form that every engine reads as the same value, because
// engines differ on the exponent of a zero and on leading zeros. It is the number as it
// is written, or without the digits and the exponent that a number does not need.
func Plain(text string) string {
	mantissa, power, _ := strings.Cut(strings.ToLower(text), "e")
	if len(mantissa) <= MaxDigits+2 && len(power) <= len("+125") && (power == "" || parse(text).digits != "") {
		return text
	}
	n := parse(text)
	if n.digits == "" {
		return "0"
	}
	plain := n.digits[:1]
	if len(n.digits) > 1 {
		plain += "." + n.digits[1:]
	}
	if n.minus {
		plain = "-" + plain
	}
	return plain + "E" + strconv.Itoa(n.exponent)
}

// Storable says whether DynamoDB keeps the value of a number as JSON writes it: zero with
// any sign and exponent, or a number in its range and of no more digits than it has.
func Storable(text string) bool {
	n := parse(text)
	return n.digits == "" ||
		len(n.digits) <= MaxDigits && minExponent <= n.exponent && n.exponent <= maxExponent
}
