package importer

import (
	"strings"
	"testing"

	"github.com/alecthomas/repr"

	"customercare/infra/attribute"
	"customercare/shared/operation"
)

// badLines are lines that are refused. Every value that may be personal holds the word
// private, which no sentence says.
var badLines = []struct{ name, line, sentence string }{
	{"no JSON", `private`, "the line is not valid JSON at byte 1"},
	{"cut off", `{"kind":"user","customerId":"private`, "the line is not valid JSON at byte 37"},
	{"an array", `["private"]`, "the line is not a JSON object"},
	{"two objects", `{"kind":"user","customerId":"private"}{}`, "the line has content behind the JSON object"},
	{"comma at the end", `{"kind":"user","customerId":"private",}`, "the line is not valid JSON at byte 38"},
	{"invalid UTF-8", "{\"kind\":\"user\",\"customerId\":\"private\xff\"}", "the line is not valid JSON at byte 37"},
	{"half a surrogate", `{"kind":"user","customerId":"private\ud800"}`, "the line is not valid JSON at byte 37"},
	{"a name twice", `{"kind":"user","customerId":"private","customerId":"u"}`, "customerId is given twice"},
	{"a name twice inside", `{"kind":"user","customerId":"u","devices":{"private":{},"private":{}}}`,
		"devices holds a name that is given twice"},
	{"an activity that is no time", `{"kind":"user","customerId":"u","activeAt":"private"}`,
		"activeAt must be a time as RFC 3339 writes it, e.g. 2030-10-15T01:29:29Z"},
	{"an activity in numbers", `{"kind":"customer","accountId":"a","code":"c","activeAt":1767319445678}`,
		"activeAt must be a time as RFC 3339 writes it, e.g. 2030-10-15T01:29:29Z"},
	{"an activity before 1970", `{"kind":"customer","accountId":"a","code":"c","activeAt":"1969-12-31T23:59:59Z"}`,
		"activeAt must be a time after 1970"},
	{"an activity of another case", `{"kind":"user","customerId":"u","ActiveAt":"2026-01-02T03:04:05Z"}`,
		"ActiveAt is not known, write activeAt"},
	{"an empty name", `{"kind":"user","customerId":"u","devices":{"":"private"}}`,
		"devices holds an empty name, or one longer than 65535 bytes"},
	{"too deep", `{"kind":"user","customerId":"u","devices":` + strings.Repeat(`{"private":`, 30) + "1" +
		strings.Repeat("}", 30) + "}",
		"devices is nested deeper than 30 levels"},
	{"39 digits", `{"kind":"customer","accountId":"a","code":"c","points":123456789012345678901234567890123456789}`,
		"points holds a number that DynamoDB cannot keep exactly (38 digits, 1e-130 to 1e126): write it as a string"},

	{"a number below the range, in a map", `{"kind":"user","customerId":"u","devices":{"private":{"a":[0,1e-131]}}}`,
		"devices holds a number that DynamoDB cannot keep exactly (38 digits, 1e-130 to 1e126): write it as a string"},
	{"a number above the range, in a list", `{"kind":"contact","tenantId":"t","contactId":"c","at":"2029-01-01T00:00:00Z","callingNumber":"private","x":[[{"y":-1e999}]]}`,
		"x holds a number that DynamoDB cannot keep exactly (38 digits, 1e-130 to 1e126): write it as a string"},
	{"an exponent of many digits", `{"kind":"transaction","accountId":"a","code":"private","campaignId":"c","transactionId":"t","at":"2029-01-01T00:00:00Z","amount":1e18446744073709551617}`,
		"amount holds a number that DynamoDB cannot keep exactly (38 digits, 1e-130 to 1e126): write it as a string"},
	{"a name too long", `{"kind":"user","customerId":"private","devices":{"` + strings.Repeat("x", 65536) + `":1}}`,
		"devices holds an empty name, or one longer than 65535 bytes"},

	{"no kind", `{"customerId":"private"}`, "kind is missing"},
	{"kind is a number", `{"kind":7,"customerId":"private"}`, "kind must be a string of 1 to 128 bytes"},
	{"unknown kind", `{"kind":"private"}`, "kind is none of user, customer, transaction, contact, operator, apiUser, app"},
	{"kind in another case", `{"Kind":"user","customerId":"private"}`, "Kind is not known, write kind"},
	{"name in another case", `{"kind":"user","customerid":"private"}`, "customerid is not known, write customerId"},
	{"name with a long s", `{"kind":"user","cuſtomerId":"private"}`, "a field is not known, write customerId"},
	{"both cases", `{"kind":"user","customerId":"private","CustomerId":"u"}`,
		"CustomerId is not known, write customerId"},

	{"user without id", `{"kind":"user","email":"private"}`, "customerId is missing"},
	{"empty id", `{"kind":"user","customerId":"","email":"private"}`, "customerId must be a string of 1 to 256 bytes"},
	{"id of 257 bytes", `{"kind":"user","customerId":"private` + strings.Repeat("é", 125) + `"}`,
		"customerId must be a string of 1 to 256 bytes"},
	{"id with a control character", `{"kind":"user","customerId":"private\u0000"}`,
		"customerId holds a control character"},
	{"id with a C1 control character", `{"kind":"user","customerId":"private\u0085"}`,
		"customerId holds a control character"},
	{"id with U+FFFE", `{"kind":"user","customerId":"private\ufffe"}`,
		"customerId holds a character that XML cannot carry"},
	{"id with U+FFFF", `{"kind":"user","customerId":"private` + "\uFFFF" + `"}`,
		"customerId holds a character that XML cannot carry"},
	{"code with U+FFFF", `{"kind":"customer","accountId":"a","code":"private\uFFFF"}`,
		"code holds a character that XML cannot carry"},
	{"account with U+FFFE", `{"kind":"transaction","accountId":"\ufffeprivate","code":"c","campaignId":"c","transactionId":"t","at":"2029-01-01T00:00:00Z"}`,
		"accountId holds a character that XML cannot carry"},
	{"number with U+FFFE", `{"kind":"contact","tenantId":"t","contactId":"c","at":"2029-01-01T00:00:00Z","callingNumber":"private\ufffe"}`,
		"callingNumber holds a character that XML cannot carry"},
	{"one of the numbers with U+FFFF", `{"kind":"contact","tenantId":"t","contactId":"c","at":"2029-01-01T00:00:00Z","customNos":["1","private\uffff"]}`,
		"each of customNos holds a character that XML cannot carry"},
	{"tenant with U+FFFF", `{"kind":"app","name":"private","secret":"private-keepsake","tenantId":"t\uffff"}`,
		"tenantId holds a character that XML cannot carry"},
	{"name with U+FFFE", `{"kind":"operator","name":"private\ufffe","password":"private-keepsake"}`,
		"name holds a character that XML cannot carry"},
	{"an account of a user with U+FFFE", `{"kind":"apiUser","name":"private","key":"private-keepsake","accounts":["a","\ufffe"]}`, "each of accounts holds a character that XML cannot carry"},
	{"number with a control character", `{"kind":"contact","tenantId":"t","contactId":"c","at":"2029-01-01T00:00:00Z","calledNumber":"private\r"}`, "calledNumber holds a control character"},
	{"devices is a list", `{"kind":"user","customerId":"u","devices":["private"]}`, "devices must be a JSON object"},
	{"images is null", `{"kind":"user","customerId":"private","images":null}`, "images must be a JSON object"},
	{"temporary allows", `{"kind":"user","customerId":"private","tempAllows":{}}`,
		"tempAllows cannot be loaded: temporary allows are set through the API"},
	{"larger than an item", `{"kind":"user","customerId":"u","note":"private` + strings.Repeat("x", 400<<10) + `"}`,
		"the record is larger than the 400 KB that DynamoDB takes"},

	{"customer without account", `{"kind":"customer","code":"private"}`, "accountId is missing"},
	{"code is a number", `{"kind":"customer","accountId":"private","code":1234567890123456}`,
		"code must be a string of 1 to 128 bytes"},
	{"transaction without campaign", `{"kind":"transaction","accountId":"a","code":"private","transactionId":"t","at":"2029-01-01T00:00:00Z"}`, "campaignId is missing"},
	{"transaction without time", `{"kind":"transaction","accountId":"a","code":"private","campaignId":"c","transactionId":"t"}`, "at is missing"},
	{"a day alone", `{"kind":"transaction","accountId":"a","code":"private","campaignId":"c","transactionId":"t","at":"2029-01-01"}`,
		"at must be a time as RFC 3339 writes it, e.g. 2030-10-15T01:29:29Z"},
	{"no such day", `{"kind":"contact","tenantId":"t","contactId":"c","at":"2029-02-29T00:00:00Z","callingNumber":"private"}`,
		"at must be a time as RFC 3339 writes it, e.g. 2030-10-15T01:29:29Z"},
	{"a comma in the seconds", `{"kind":"contact","tenantId":"t","contactId":"c","at":"2029-02-28T00:00:00,5Z","callingNumber":"private"}`,
		"at must be a time as RFC 3339 writes it, e.g. 2030-10-15T01:29:29Z"},
	{"a year of five digits in UTC", `{"kind":"contact","tenantId":"t","contactId":"c","at":"9999-12-31T23:59:59-01:00","callingNumber":"private"}`,
		"at must be a time as RFC 3339 writes it, e.g. 2030-10-15T01:29:29Z"},

	{"contact of nobody", `{"kind":"contact","tenantId":"t","contactId":"c","at":"2029-01-01T00:00:00Z","customNos":[],"content":"private"}`,
		"callingNumber, calledNumber and customNos are missing: nobody could ever find the contact"},
	{"empty number", `{"kind":"contact","tenantId":"t","contactId":"c","at":"2029-01-01T00:00:00Z","callingNumber":"","calledNumber":"private"}`,
		"callingNumber must be a string of 1 to 128 bytes"},
	{"customNos is a string", `{"kind":"contact","tenantId":"t","contactId":"c","at":"2029-01-01T00:00:00Z","customNos":"private"}`, "customNos must be a list of strings"},
	{"a number among customNos", `{"kind":"contact","tenantId":"t","contactId":"c","at":"2029-01-01T00:00:00Z","customNos":["private",7]}`,
		"each of customNos must be a string of 1 to 128 bytes"},
	{"51 numbers", `{"kind":"contact","tenantId":"t","contactId":"c","at":"2029-01-01T00:00:00Z","callingNumber":"private","customNos":[` + numbers(50) + `]}`,
		"callingNumber, calledNumber and customNos name more than 50 numbers"},
	{"4 MB of copies", `{"kind":"contact","tenantId":"t","contactId":"c","at":"2029-01-01T00:00:00Z","customNos":[` + numbers(40) + `],"content":"private` + strings.Repeat("x", 120_000) + `"}`,
		"the record is too large to be filed under 40 numbers at once (3932160 bytes together)"},

	{"colon in an operator's name", `{"kind":"operator","name":"private:x","password":"private-keepsake"}`,
		"name holds a colon, which Basic authorization cannot carry"},
	{"no password", `{"kind":"operator","name":"private"}`, "password is missing"},
	{"password in another case", `{"kind":"operator","name":"o","Password":"private"}`,
		"Password is not known, write password"},
	{"a secret too many", `{"kind":"operator","name":"o","password":"private-keepsake","secret":"private-keepsake"}`, "secret is no field of an operator"},
	{"a misspelt bound", `{"kind":"operator","name":"o","password":"private-keepsake","dissabled":true}`,
		"dissabled is no field of this kind"},
	{"a bound of another name", `{"kind":"app","name":"o","secret":"private-keepsake","tenantId":"t","valid_until":"2020-01-01T00:00:00Z"}`, "valid_until is no field of this kind"},
	{"an operation of another kind", `{"kind":"apiUser","name":"o","key":"private-keepsake","accounts":["a"],"operations":["` + operation.CleanCustomerData.Name + `"]}`, "operations may only name " + operation.DeleteCustomer.Name},
	{"an end before all time", `{"kind":"operator","name":"o","password":"private-keepsake","validUntil":"1970-01-01T00:00:00Z"}`, "validUntil lies before the year 2000"},
	{"disabled as text", `{"kind":"operator","name":"o","password":"private-keepsake","disabled":"true"}`,
		"disabled must be true or false"},
	{"three passwords", `{"kind":"operator","name":"o","password":["private-keepsake-1","private-keepsake-2","private-keepsake-3"]}`, "password must be a string, or a list of 1 or 2"},
	{"the same password twice", `{"kind":"operator","name":"o","password":["private-keepsake","private-keepsake"]}`,
		"password lists the same twice"},
	{"no accounts", `{"kind":"apiUser","name":"private","key":"private-keepsake","accounts":[]}`,
		"accounts must be a list of 1 to 1000 strings"},
	{"no key", `{"kind":"apiUser","name":"private","accounts":["a"]}`, "key is missing"},
	{"no tenant", `{"kind":"app","name":"private","secret":"private-keepsake"}`, "tenantId is missing"},
}

func numbers(n int) string {
	var all []string
	for i := range n {
		all = append(all, `"n`+strings.Repeat("1", i)+`"`)
	}
	return strings.Join(all, ",")
}

func TestBadLineIsRefusedBySentence(t *testing.T) {
	for _, c := range badLines {
		t.Run(c.name, func(t *testing.T) {
			r, err := parse([]byte(c.line))
			if err == nil {
				t.Fatalf("taken as %s", repr.String(r))
			}
			if err.Error() != c.sentence {
				t.Errorf("got  %s\nwant %s", err, c.sentence)
			}
		})
	}
}

func TestTimesOfRFC3339(t *testing.T) {
	for at, key := range map[string]string{
		"2029-01-02T03:04:05Z":             "2029-01-02T03:04:05.000000000Z#c",
		"2029-01-02t03:04:05z":             "2029-01-02T03:04:05.000000000Z#c",
		"2029-01-02T05:04:05.25+02:00":     "2029-01-02T03:04:05.250000000Z#c",
		"2029-01-01T23:04:05.123456789-04": "",
		"2029-01-02T03:04:60Z":             "",
		"1990-12-31T23:59:60Z":             "1991-01-01T00:00:00.000000000Z#c", // RFC 3339's own examples
		"1990-12-31T15:59:60-08:00":        "1991-01-01T00:00:00.000000000Z#c",
		"1937-01-01T12:00:27.87+00:20":     "1937-01-01T11:40:27.870000000Z#c",
		"2016-12-31t23:59:60.5z":           "2017-01-01T00:00:00.500000000Z#c",
		"2016-12-31T23:59:61Z":             "",
		"2016-12-30T23:59:60Z":             "",
		"2029-01-02T03:04:05.1234567891Z":  "2029-01-02T03:04:05.123456789Z#c",
		"2029-01-02T03:04:05-00:00":        "2029-01-02T03:04:05.000000000Z#c",
		"2029-01-02T03:04:05+23:59":        "2029-01-01T03:05:05.000000000Z#c",
		"2029-01-02T03:04:05+24:00":        "",
		"2029-01-02T03:04:05,5Z":           "",
		"2029-01-02 03:04:05Z":             "",
		"0000-01-01T00:00:00Z":             "0000-01-01T00:00:00.000000000Z#c",
		"0000-01-01T00:00:00+00:01":        "",
		"9999-12-31T23:59:59.999999999Z":   "9999-12-31T23:59:59.999999999Z#c",
		"9999-12-31T23:59:59-00:01":        "",
		"9999-12-31T23:59:60Z":             "",
		"2029-1-02T03:04:05Z":              "",
	} {
		r, err := parse([]byte(`{"kind":"contact","tenantId":"t","contactId":"c","callingNumber":"n","at":"` + at +
			`"}`))
		switch {
		case key == "" && err == nil:
			t.Errorf("%s: taken", at)
		case key != "" && err != nil:
			t.Errorf("%s: %v", at, err)
		case key != "" && attribute.ReadText(r.item, "contact") != key:
			t.Errorf("%s: key %s", at, attribute.ReadText(r.item, "contact"))
		}
	}
}
