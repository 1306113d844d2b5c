package units

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"sort"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/dynamotest"
	"customercare/infra/stack"
	"customercare/infra/stack/lambda"
)

// metered is a table with a sparse index, as the ledger has, behind a meter, and a function that calls it.
type metered struct {
	*Meter
	db    *dynamodb.Client // the function's
	table string
}

func newMetered(t *testing.T) metered {
	kit := dynamotest.Open(t)
	template, err := stack.Load(dynamotest.Root()+"/template.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	meter, err := NewMeter(os.Getenv("DYNAMODB_ENDPOINT"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(meter.Close)
	f := lambda.Function{Folder: "f"}
	known := &stack.Template{Functions: []lambda.Function{f}}
	for _, table := range template.Tables {
		if table.LogicalID == "Erasures" {
			table.Name = kit.Erasures.Table
			known.Tables = append(known.Tables, table)
		}
	}
	meter.Know(known)
	// What makes the SDK send the trace id along.
	t.Setenv("AWS_LAMBDA_FUNCTION_NAME", "f")
	t.Setenv("_X_AMZN_TRACE_ID", "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0")
	client := dynamodb.New(kit.Plain.Options(), func(o *dynamodb.Options) {
		o.BaseEndpoint = aws.String(meter.URL)
		o.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: f.AccessKeyID(), SecretAccessKey: "made-up"}, nil
		})
	})
	return metered{meter, client, kit.Erasures.Table}
}

// one is the use that the only call since the last one had of the table.
func (m metered) one(t *testing.T) Use {
	t.Helper()
	calls, err := m.Take(t.Context())
	if err != nil || len(calls) != 1 || len(calls[0].On) != 1 || calls[0].Function != "f" {
		t.Fatalf("%v, %v", calls, err)
	}
	return calls[0].On[0]
}

type values = map[string]types.AttributeValue

func s(text string) types.AttributeValue { return &types.AttributeValueMemberS{Value: text} }
func n(text string) types.AttributeValue { return &types.AttributeValueMemberN{Value: text} }

// TestRulesOfReads holds reads and refused writes against the documented rules, which DynamoDB Local does not keep.
func TestRulesOfReads(t *testing.T) {
	m, ctx := newMetered(t), t.Context()
	nothing := func(any, error) error { return nil }
	key := func(of string) values { return values{"erasureId": s(of)} }
	put := func(of string, bytes int) error {
		item := key(of)
		item["x"] = s(strings.Repeat("x", bytes))
		_, err := m.db.PutItem(ctx, &dynamodb.PutItemInput{TableName: &m.table, Item: item})
		return err
	}
	get := func(consistent bool, keys ...string) error {
		var wanted []map[string]types.AttributeValue
		for _, of := range keys {
			wanted = append(wanted, key(of))
		}
		_, err := m.db.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{
			m.table: {Keys: wanted, ConsistentRead: &consistent},
		}})
		return err
	}
	query := func(of string, consistent bool) error {
		_, err := m.db.Query(ctx, &dynamodb.QueryInput{
			TableName: &m.table, ConsistentRead: &consistent, KeyConditionExpression: aws.String("erasureId = :k"), ExpressionAttributeValues: values{":k": s(of)},
		})
		return err
	}
	for _, test := range []struct {
		what string
		want Use
		do   func() error
	}{
		{"a put", Use{Items: 1, Writes: 1}, func() error { return put("small", 10) }},
		{"a put of 9 KB", Use{Items: 1, Writes: 10}, func() error { return put("large", 9<<10) }},
		{"GetItem of nothing", Use{Items: 1, Reads: 1}, func() error {
			return nothing(m.db.GetItem(ctx, &dynamodb.GetItemInput{TableName: &m.table, Key: key("none"), ConsistentRead: aws.Bool(true)}))
		}},
		{"BatchGetItem", Use{Items: 4, Reads: 1 + 3 + 2}, func() error { return get(true, "small", "large", "none", "neither") }},
		{"BatchGetItem, eventually", Use{Items: 4, Reads: (1 + 3 + 2) / 2.}, func() error { return get(false, "small", "large", "none", "neither") }},
		{"Query of nothing", Use{Reads: 1}, func() error { return query("none", true) }},
		{"Query of nothing, eventually", Use{Reads: 0.5}, func() error { return query("none", false) }},
		{"Query of 9 KB", Use{Reads: 3}, func() error { return query("large", true) }},
		{"Query of an index", Use{Reads: 0.5}, func() error {
			return nothing(m.db.Query(ctx, &dynamodb.QueryInput{
				TableName: &m.table, IndexName: aws.String("open"), KeyConditionExpression: aws.String("openShard = :k"), ExpressionAttributeValues: values{":k": s("0")},
			}))
		}},
		{"a refused write", Use{Items: 1, Writes: 10}, func() error {
			return nothing(m.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
				TableName: &m.table, Key: key("large"), UpdateExpression: aws.String("REMOVE x"), ConditionExpression: aws.String("attribute_not_exists(x)"),
			}))
		}},
		{"a refused write of nothing", Use{Items: 1, Writes: 1}, func() error {
			return nothing(m.db.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: &m.table, Key: key("none"), ConditionExpression: aws.String("attribute_exists(x)")}))
		}},
		{"a cancelled transaction", Use{Items: 2, Writes: 2 + 20}, func() error {
			return nothing(m.db.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
				{ConditionCheck: &types.ConditionCheck{TableName: &m.table, Key: key("none"), ConditionExpression: aws.String("attribute_exists(x)")}},
				{Delete: &types.Delete{TableName: &m.table, Key: key("large")}},
			}}))
		}},
		{"a transaction with a check", Use{Items: 2, Writes: 20 + 2}, func() error {
			return nothing(m.db.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
				{ConditionCheck: &types.ConditionCheck{TableName: &m.table, Key: key("large"), ConditionExpression: aws.String("attribute_exists(x)")}},
				{Delete: &types.Delete{TableName: &m.table, Key: key("small")}},
			}}))
		}},
		{"a batch that deletes nothing", Use{Items: 2, Writes: 2}, func() error {
			return nothing(m.db.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{m.table: {
				{DeleteRequest: &types.DeleteRequest{Key: key("none")}}, {DeleteRequest: &types.DeleteRequest{Key: key("neither")}},
			}}}))
		}},
	} {
		if err := test.do(); err != nil {
			t.Fatalf("%s: %v", test.what, err)
		}
		test.want.Table = "Erasures"
		if got := m.one(t); got != test.want {
			t.Errorf("%s: %+v, want %+v", test.what, got, test.want)
		}
	}
}

// TestRulesOfWrites makes the same random writes one by one, where DynamoDB Local reports what DynamoDB would, and in
// transactions and batches, which the rules count: a transaction's are twice as many for the table and as many for the index.
func TestRulesOfWrites(t *testing.T) {
	m, ctx := newMetered(t), t.Context()
	random := rand.New(rand.NewPCG(1, 2))
	shape := func() values {
		item := values{"x": s(strings.Repeat("x", random.IntN(3000))), "n": n(fmt.Sprint(random.IntN(1000))), "b": &types.AttributeValueMemberBOOL{Value: true}}
		item["list"] = &types.AttributeValueMemberL{Value: []types.AttributeValue{s("a"), n("-12.5")}}
		if random.IntN(3) > 0 { // in the index
			item["openShard"], item["dueAt"] = s(fmt.Sprint(random.IntN(2))), n(fmt.Sprint(random.IntN(2)))
		}
		if random.IntN(2) > 0 { // projected
			item["failures"], item["requestedAt"] = n(fmt.Sprint(random.IntN(2))), s(strings.Repeat("r", random.IntN(2)*1500))
		}
		return item
	}
	of := func(item values, key string) values {
		keyed := values{"erasureId": s(key)}
		for name, value := range item {
			keyed[name] = value
		}
		return keyed
	}
	for i := range 150 {
		item, remove := shape(), random.IntN(4) == 0
		var transaction types.TransactWriteItem
		var batch types.WriteRequest
		var err error
		if remove {
			_, err = m.db.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: &m.table, Key: of(nil, "alone")})
			transaction.Delete, batch.DeleteRequest = &types.Delete{TableName: &m.table, Key: of(nil, "together")}, &types.DeleteRequest{Key: of(nil, "in a batch")}
		} else {
			_, err = m.db.PutItem(ctx, &dynamodb.PutItemInput{TableName: &m.table, Item: of(item, "alone")})
			transaction.Put, batch.PutRequest = &types.Put{TableName: &m.table, Item: of(item, "together")}, &types.PutRequest{Item: of(item, "in a batch")}
		}
		if err != nil {
			t.Fatal(err)
		}
		want := m.one(t)
		if _, err := m.db.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{m.table: {batch}}}); err != nil {
			t.Fatal(err)
		}
		if got := m.one(t); got != want {
			t.Fatalf("write %d in a batch: %+v, alone %+v", i, got, want)
		}
		if _, err := m.db.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{transaction}}); err != nil {
			t.Fatal(err)
		}
		want.Writes *= 2
		if got := m.one(t); got != want {
			t.Fatalf("write %d in a transaction: %+v, want %+v", i, got, want)
		}
	}
}

// TestSizes finds the length of a text beside which values of every type fill 1 KB to the byte, by what DynamoDB Local takes
// for a second unit.
func TestSizes(t *testing.T) {
	m, ctx := newMetered(t), t.Context()
	for name, value := range map[string]types.AttributeValue{
		"nothing": nil, "text": s("äöü"), "zero": n("0"), "digits": n("1234567"), "minus": n("-120"), "three": n("120"), "odd": n("10.5"), "fraction": n("0.00125"), "millions": n("45000000"),
		"flag": &types.AttributeValueMemberBOOL{}, "null": &types.AttributeValueMemberNULL{Value: true}, "bytes": &types.AttributeValueMemberB{Value: []byte{1, 2, 3}},
		"texts": &types.AttributeValueMemberSS{Value: []string{"a", "bcd"}}, "numbers": &types.AttributeValueMemberNS{Value: []string{"1", "200"}},
		"list": &types.AttributeValueMemberL{Value: []types.AttributeValue{s("a"), n("1"), &types.AttributeValueMemberL{}}},
		"map":  &types.AttributeValueMemberM{Value: values{"k": s("v"), "in": &types.AttributeValueMemberM{Value: values{"n": n("12")}}}},
	} {
		item := func(length int) values {
			all := values{"erasureId": s("k"), "pad": s(strings.Repeat("x", length))}
			if value != nil {
				all["v"] = value
			}
			return all
		}
		// alone is what an item takes where none was before.
		alone := func(length int, put func(values) error) float64 {
			_, err := m.db.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: &m.table, Key: values{"erasureId": s("k")}})
			if err != nil {
				t.Fatal(err)
			}
			m.one(t)
			if err := put(item(length)); err != nil {
				t.Fatal(err)
			}
			return m.one(t).Writes
		}
		fits := sort.Search(1100, func(length int) bool { // the first that does not fit
			return alone(length, func(item values) error {
				_, err := m.db.PutItem(ctx, &dynamodb.PutItemInput{TableName: &m.table, Item: item})
				return err
			}) > 1
		}) - 1
		// A transaction is counted by the rules, and so by the size.
		for length, want := range map[int]float64{fits: 2, fits + 1: 4} {
			got := alone(length, func(item values) error {
				_, err := m.db.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{{Put: &types.Put{TableName: &m.table, Item: item}}}})
				return err
			})
			if got != want {
				t.Errorf("%s: %g units with a text of %d bytes, want %g", name, got, length, want)
			}
		}
	}
}
