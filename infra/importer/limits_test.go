package importer_test

import (
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/importer"
	"customercare/infra/quotas"
	"customercare/infra/testkit/dynamotest"
	"customercare/shared/identifier"
)

// What is refused is what AWS documents, whether the engine at hand takes it or not; what
// is taken every engine takes, and keeps its value.
func TestNumbersAreKeptOrRefused(t *testing.T) {
	kit := dynamotest.Open(t)
	nines := strings.Repeat("9", 38)
	for number, taken := range map[string]bool{
		"0": true, "-0": true, "0e999": true, "12.50": true, "1e3": true, "-1.5E-2": true,
		nines: true, nines + "000": true, "0.0" + nines: true, "1e125": true, "9.9e125": true, "0.01e127": true,
		"1e-130": true, "10e-131": true,
		"1e126": false, "10e125": false, "1e-131": false, "0.1e-130": false, nines + "9": false,
		"1." + nines: false, "1e999999999999999999999": false,
		"-0.0": true, "0E-999": true, "0e99999999999999999999": true, "-9.9e125": true, "-1e-130": true,
		"1e999": false, "-1e126": false, "-1e-131": false, "1e-999": false,
		"1e18446744073709551617": false, "1e-18446744073709551617": false, nines + "0001": false,
		"0." + strings.Repeat("0", 200) + "1e201": true,
	} {
		_, reports, err := load(t, kit, `{"kind":"customer","accountId":"a","code":"n","n":`+number+`}`)
		if taken != (err == nil) || !taken &&
			!strings.Contains(reports[0], "n holds a number that DynamoDB cannot keep exactly") {
			t.Errorf("%s: %v %q", number, err, reports)
		}
		_, err = kit.Plain.PutItem(t.Context(),
			&dynamodb.PutItemInput{TableName: &kit.Users.Table, Item: map[string]types.AttributeValue{
				"customerId": &types.AttributeValueMemberS{Value: "n"},
				"n":          &types.AttributeValueMemberN{Value: quotas.Plain(number)},
			}})
		if taken && err != nil {
			t.Errorf("%s: DynamoDB says %v", number, err)
		}
		if !taken {
			continue
		}
		out, err := kit.Plain.GetItem(t.Context(),
			&dynamodb.GetItemInput{TableName: &kit.Customers.Table, Key: map[string]types.AttributeValue{
				"customer": &types.AttributeValueMemberS{Value: "a#n"},
				"record":   &types.AttributeValueMemberS{Value: "customer"},
			}})
		if err != nil {
			t.Fatal(err)
		}
		kept := out.Item["data"].(*types.AttributeValueMemberM).Value["n"].(*types.AttributeValueMemberN).Value
		got, _ := new(big.Rat).SetString(kept)
		want, ok := new(big.Rat).SetString(number)
		if !ok { // a zero whose exponent is too long for it
			want = new(big.Rat)
		}
		if got == nil || got.Cmp(want) != 0 {
			t.Errorf("%s is kept as %s", number, kept)
		}
	}
}

// DynamoDB's own limits, at the size of a group: large records do not break the one they
// are in.
func TestLargeRecords(t *testing.T) {
	kit := dynamotest.Open(t)
	var lines []string
	for i := range 12 {
		lines = append(lines,
			fmt.Sprintf(`{"kind":"transaction","accountId":"a","code":"c","campaignId":"x","transactionId":"%d","at":"2029-01-01T00:00:00Z","n":"%s"}`, i, strings.Repeat("x", 390<<10)),
			fmt.Sprintf(`{"kind":"contact","tenantId":"t","contactId":"%d","at":"2029-01-01T00:00:00Z","callingNumber":"n","calledNumber":"m","n":"%s"}`, i, strings.Repeat("é", 190<<10)),
			fmt.Sprintf(`{"kind":"user","customerId":"%d","n":"%s"}`, i, strings.Repeat("x", 390<<10)))
	}
	_, reports, err := load(t, kit, strings.Join(lines, "\n"), func(o *importer.Options) { o.Workers = 1 })
	if err != nil {
		t.Fatalf("%v %q", err, reports)
	}
	if n := len(kit.Dump(t, kit.All()...)); n != 12+24+12 {
		t.Errorf("%d items", n)
	}
	// A user that outgrows an item only together with what stands already: DynamoDB alone
	// can say so.
	_, reports, err = load(t, kit, `{"kind":"user","customerId":"ok"}`+"\n"+
		`{"kind":"user","customerId":"7","images":{"i":"`+strings.Repeat("x",
		300<<10)+`"}}`+"\n"+`{"kind":"user","customerId":"ok2"}`)
	same(t, reports, []string{"0002: DynamoDB does not take the record: it breaks one of its limits"})
	if err == nil || len(items(t, kit, kit.Users.Table)) != 14 {
		t.Errorf("the neighbours are not loaded: %v", err)
	}
}

// The longest identifiers, of characters that a key takes three bytes for, and the
// deepest values that a line may have: every key and every attribute is within
// DynamoDB's limits.
func TestLongestKeysAndDeepestValues(t *testing.T) {
	short, long := strings.Repeat("#", identifier.MaxShort), strings.Repeat("#", identifier.MaxLong)
	deep := strings.Repeat(`[`, 29) + "1" + strings.Repeat("]", 29)
	kit := dynamotest.Open(t)
	for _, line := range []string{
		`{"kind":"user","customerId":"` + long + `","devices":{"d":` + deep[1:58] + `},"x":` + deep + `}`,
		`{"kind":"customer","accountId":"` + short + `","code":"` + short + `","x":` + deep + `}`,
		`{"kind":"transaction","accountId":"` + short + `","code":"` + short + `","campaignId":"` + short +
			`","transactionId":"` + short + `","at":"2029-01-01T00:00:00Z","x":` + deep + `}`,
		`{"kind":"contact","tenantId":"` + short + `","contactId":"` + short +
			`","at":"2029-01-01T00:00:00Z","callingNumber":"` + short + `","x":` + deep + `}`,
		`{"kind":"app","name":"` + long + `","secret":"private-keepsake","tenantId":"` + short + `"}`,
	} {
		mustLoad(t, kit, line)
	}
	for table, bounds := range map[string]map[string]int{
		kit.Users.Table:      {"customerId": quotas.MaxPartitionKey},
		kit.Customers.Table:  {"customer": quotas.MaxPartitionKey, "record": quotas.MaxSortKey},
		kit.Contacts.Table:   {"party": quotas.MaxPartitionKey, "contact": quotas.MaxSortKey},
		kit.Principals.Table: {"principal": quotas.MaxPartitionKey},
	} {
		stored := items(t, kit, table)
		if len(stored) == 0 {
			t.Errorf("%s is empty", table)
		}
		for _, item := range stored {
			for name, most := range bounds {
				if key := between(item, `"`+name+`":"`, `"`); key == "" || len(key) > most {
					t.Errorf("%s has %d bytes, more than %d", name, len(key), most)
				}
			}
		}
	}
}
