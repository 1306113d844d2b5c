package quotas

import (
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/alecthomas/repr"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/attribute"
)

// The range and the precision that AWS documents for numbers.
func TestStorable(t *testing.T) {
	nines, zeros := strings.Repeat("9", 38), strings.Repeat("0", 400)
	for number, want := range map[string]bool{
		"0": true, "-0": true, "0.0": true, "-0.000": true, "0e999": true, "-0E-999": true, "0e" + nines: true,
		"0e+99999999999999999999999": true,
		"1":                          true, "-1": true, "12.50": true, "1e3": true, "1E+3": true, "-1.5E-2": true,
		"1e0000000000000000005": true, "1e-0000000000000000005": true,
		nines: true, "-" + nines: true, nines + zeros[:88]: true, nines + "0e87": true, nines + "e88": true,
		nines + "e89": false, "0." + zeros[:92] + nines: true,
		"1" + strings.Repeat("0", 37) + "1": false, nines + "9": false, "-" + nines + "9": false,
		"1." + nines: false, "0.1" + zeros[:37] + "1": false, "1.1" + zeros[:37]: true,
		"1e125": true, "9.9e125": true, "-9.9e125": true, "9." + nines[:37] + "E+125": true, "0.01e127": true,
		"1" + zeros[:125]: true, "1" + zeros + "e-300": true,
		"1e126": false, "-1e126": false, "10e125": false, "1" + zeros[:126]: false, "0.1e127": false,
		"9." + nines + "E+125": false,
		"1e-130":               true, "-1e-130": true, "10e-131": true, "0." + zeros[:129] + "1": true,
		"0." + zeros + "1e271": true, "1.5e-130": true,
		"1e-131": false, "-1e-131": false, "0.1e-130": false, "9.9e-131": false, "0." + zeros[:130] + "1": false,
		"1e999": false, "-1e999": false, "1e-999": false, "1e" + nines: false, "1e-" + nines: false,
		"1e18446744073709551616": false, "1e18446744073709551617": false,
		"0." + zeros + "1e9223372036854775807": false, "1" + zeros + "e-9223372036854775808": false,
	} {
		if Storable(number) != want {
			t.Errorf("%.60s: %v", number, !want)
		}
	}
}

// FuzzNumber: Storable agrees with exact arithmetic.
func FuzzNumber(f *testing.F) {
	for _, digits := range []string{"0", "1", "10", "123456789", strings.Repeat("9", 38), strings.Repeat("9", 39),
		"000", "100000"} {
		f.Add(digits, digits, 5, true)
		f.Add("0", digits, -130, false)
		f.Add(digits, "", 125, false)
	}
	highest, _ := new(big.Rat).SetString(strings.Repeat("9", 38) + strings.Repeat("0", 88))
	lowest, _ := new(big.Rat).SetString("1e-130")
	f.Fuzz(func(t *testing.T, whole, fraction string, exponent int, minus bool) {
		if len(whole) == 0 || len(whole+fraction) > 300 || strings.Trim(whole+fraction, "0123456789") != "" ||
			exponent > 500 || exponent < -500 {
			t.Skip()
		}
		text := whole
		if fraction != "" {
			text += "." + fraction
		}
		if text += fmt.Sprint("e", exponent); minus {
			text = "-" + text
		}
		value, ok := new(big.Rat).SetString(text)
		if !ok {
			t.Fatalf("%q is no number", text)
		}
		significant := strings.Trim(whole+fraction, "0")
		magnitude := new(big.Rat).Abs(value)
		want := value.Sign() == 0 || len(significant) <= 38 && magnitude.Cmp(lowest) >= 0 && magnitude.Cmp(highest) <= 0
		if Storable(text) != want {
			t.Errorf("%s: %v", text, !want)
		}
		if !want {
			return
		}
		plain, ok := new(big.Rat).SetString(Plain(text))
		if !ok || plain.Cmp(value) != 0 || len(Plain(text)) > len("-9.")+37+len("E-130") && Plain(text) != text {
			t.Errorf("%s becomes %s", text, Plain(text))
		}
	})
}

// What stays as it is written, and what does not.
func TestPlain(t *testing.T) {
	zeros := strings.Repeat("0", 400)
	for text, want := range map[string]string{
		"0": "0", "-0": "-0", "0.00": "0.00", "0e5": "0", "-0E-999": "0", "0e99999999999999999999": "0",
		"12.50": "12.50", "-1.5E-2": "-1.5E-2", "1e+125": "1e+125", "1e3": "1e3",
		"1e0000000000000000005": "1E5", "-1" + zeros[:120] + "e-119": "-1E1", "0." + zeros + "125e401": "1.25E0",
		"1." + zeros: "1E0", "12" + zeros[:50]: "1.2E51",
	} {
		if got := Plain(text); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func TestSize(t *testing.T) {
	for _, c := range []struct {
		value types.AttributeValue
		want  int
	}{
		{attribute.Text(""), 0}, {attribute.Text("äöü"), 6}, {attribute.Text("\U0001F98A"), 4},
		{&types.AttributeValueMemberB{Value: []byte{1, 2, 3}}, 3},
		{&types.AttributeValueMemberBOOL{}, 1}, {&types.AttributeValueMemberNULL{Value: true}, 1},
		// Half of the significant digits, rounded up, and 1; and 1 for a minus.
		{attribute.Digits("0"), 1}, {attribute.Digits("-0"), 1}, {attribute.Digits("0e99"), 1}, {attribute.Digits("1"), 2}, {attribute.Digits("12"), 2},
		{attribute.Digits("123"), 3}, {attribute.Digits("1234567"), 5},
		{attribute.Digits("120"), 2}, {attribute.Digits("-120"), 3}, {attribute.Digits("100200"), 3},
		{attribute.Digits("10.5"), 3}, {attribute.Digits("1.5"), 2}, {attribute.Digits("0.00125"), 3}, {attribute.Digits("45000000"), 2},
		{attribute.Digits("4.5e7"), 2}, {attribute.Digits("1e125"), 2},
		{attribute.Digits("-1E-130"), 3}, {attribute.Digits("001.500"), 2},
		{attribute.Digits(strings.Repeat("9", 38)), 20}, {attribute.Digits("-" + strings.Repeat("9", 38)), 21},
		{attribute.List(), 3}, {attribute.Map(nil), 3}, {attribute.List(attribute.Text("a"), attribute.Digits("1"), attribute.List()), 3 + 3 + 1 + 2 + 3},
		{attribute.Map(attribute.Item{"k": attribute.Text("v"), "in": attribute.Map(attribute.Item{"n": attribute.Digits("12")})}), 3 + 2 + 1 + 1 + 2 + 3 + 1 + 1 + 2},
		{&types.AttributeValueMemberSS{Value: []string{"a", "bcd"}}, 4},
		{&types.AttributeValueMemberNS{Value: []string{"1", "200"}}, 4},
		{&types.AttributeValueMemberBS{Value: [][]byte{{1}, {1, 2}}}, 3},
	} {
		if got := Size(attribute.Item{"name": c.value}); got != 4+c.want {
			t.Errorf("%s: %d bytes beside the name, want %d", repr.String(c.value), got-4, c.want)
		}
	}
	// The documentation's own example.
	if got := Size(attribute.Item{"shirt-color": attribute.Text("R"), "shirt-size": attribute.Text("M")}); got != 23 {
		t.Errorf("the documented example has %d bytes", got)
	}
}
