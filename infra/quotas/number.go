package quotas

import (
	"strconv"
	"strings"
)

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

// parse reads a number as JSON writes it. An exponent that needs more than powerBits is
// read as the largest, or smallest, of that many: both are far out of DynamoDB's range,
// and no text is long enough for its digits to bring the number back into it.
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
