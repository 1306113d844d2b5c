package units

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/attribute"
	"customercare/infra/local/lambda"
	"customercare/infra/local/template"
	"customercare/infra/testkit/dynamotest"
)

// metered is a table with a sparse index, as the ledger has, behind a meter, and a
// function that calls it.
type metered struct {
	*Meter
	db    *dynamodb.Client // the function's
	table string
}

func newMetered(t *testing.T) metered {
	kit := dynamotest.Open(t)
	read, err := template.Load(dynamotest.Root()+"/template.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	meter, err := NewMeter(os.Getenv("DYNAMODB_ENDPOINT"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(meter.Close)
	f := lambda.Function{Folder: "f"}
	known := &template.Template{Functions: []lambda.Function{f}}
	for _, table := range read.Tables {
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

var s, n = attribute.Text, attribute.Digits

// TestRulesOfReads holds reads and refused writes against the documented rules, which
// DynamoDB Local does not keep.
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
			TableName: &m.table, ConsistentRead: &consistent, KeyConditionExpression: aws.String("erasureId = :k"),
			ExpressionAttributeValues: values{":k": s(of)},
		})
		return err
	}
	transact := func(actions ...types.TransactWriteItem) error {
		return nothing(m.db.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: actions}))
	}
	for _, test := range []struct {
		what string
		want Use
		do   func() error
	}{
		{"a put", Use{Items: 1, Writes: 1}, func() error { return put("small", 10) }},
		{"a put of 9 KB", Use{Items: 1, Writes: 10}, func() error { return put("large", 9<<10) }},
		{"GetItem of nothing", Use{Items: 1, Reads: 1}, func() error {
			return nothing(m.db.GetItem(ctx, &dynamodb.GetItemInput{
				TableName: &m.table, Key: key("none"), ConsistentRead: aws.Bool(true),
			}))
		}},
		{
			"BatchGetItem", Use{Items: 4, Reads: 1 + 3 + 2},
			func() error { return get(true, "small", "large", "none", "neither") },
		},
		{
			"BatchGetItem, eventually", Use{Items: 4, Reads: (1 + 3 + 2) / 2.},
			func() error { return get(false, "small", "large", "none", "neither") },
		},
		{"Query of nothing", Use{Reads: 1}, func() error { return query("none", true) }},
		{"Query of nothing, eventually", Use{Reads: 0.5}, func() error { return query("none", false) }},
		{"Query of 9 KB", Use{Reads: 3}, func() error { return query("large", true) }},
		{"Query of an index", Use{Reads: 0.5}, func() error {
			return nothing(m.db.Query(ctx, &dynamodb.QueryInput{
				TableName: &m.table, IndexName: aws.String("open"),
				KeyConditionExpression: aws.String("openShard = :k"), ExpressionAttributeValues: values{":k": s("0")},
			}))
		}},
		{"a refused write", Use{Items: 1, Writes: 10}, func() error {
			return nothing(m.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
				TableName: &m.table, Key: key("large"), UpdateExpression: aws.String("REMOVE x"),
				ConditionExpression: aws.String("attribute_not_exists(x)"),
			}))
		}},
		{"a refused write of nothing", Use{Items: 1, Writes: 1}, func() error {
			return nothing(m.db.DeleteItem(ctx, &dynamodb.DeleteItemInput{
				TableName: &m.table, Key: key("none"), ConditionExpression: aws.String("attribute_exists(x)"),
			}))
		}},
		{"a cancelled transaction", Use{Items: 2, Writes: 2 + 20}, func() error {
			return transact(
				types.TransactWriteItem{
					ConditionCheck: &types.ConditionCheck{
						TableName: &m.table, Key: key("none"), ConditionExpression: aws.String("attribute_exists(x)"),
					},
				},
				types.TransactWriteItem{Delete: &types.Delete{TableName: &m.table, Key: key("large")}},
			)
		}},
		{"a transaction with a check", Use{Items: 2, Writes: 20 + 2}, func() error {
			return transact(
				types.TransactWriteItem{
					ConditionCheck: &types.ConditionCheck{
						TableName: &m.table, Key: key("large"), ConditionExpression: aws.String("attribute_exists(x)"),
					},
				},
				types.TransactWriteItem{Delete: &types.Delete{TableName: &m.table, Key: key("small")}},
			)
		}},
		{"a batch that deletes nothing", Use{Items: 2, Writes: 2}, func() error {
			requests := []types.WriteRequest{
				{DeleteRequest: &types.DeleteRequest{Key: key("none")}},
				{DeleteRequest: &types.DeleteRequest{Key: key("neither")}},
			}
			return nothing(m.db.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{
				RequestItems: map[string][]types.WriteRequest{m.table: requests},
			}))
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

// TestUncounted makes calls that cannot be counted. Each is reported, but for calls of
// nobody and calls at a process's start.
func TestUncounted(t *testing.T) {
	m, ctx := newMetered(t), t.Context()
	fails := func(what, why string, call func() error) {
		t.Helper()
		_ = call()
		if _, err := m.Take(ctx); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v, want %s", what, err, why)
		}
	}
	fails("a call that DynamoDB refuses", "status 400", func() error {
		_, err := m.db.UpdateItem(
			ctx,
			&dynamodb.UpdateItemInput{
				TableName:        &m.table,
				Key:              values{"erasureId": s("x")},
				UpdateExpression: aws.String("nonsense"),
			},
		)
		return err
	})
	fails("a transaction that DynamoDB refuses", "status 400", func() error {
		same := types.TransactWriteItem{Delete: &types.Delete{TableName: &m.table, Key: values{"erasureId": s("x")}}}
		_, err := m.db.TransactWriteItems(ctx,
			&dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{same, same}})
		return err
	})
	fails("an action without a rule", "no ConsumedCapacity", func() error {
		_, err := m.db.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &m.table})
		return err
	})
	fails("a foreign table", "unknown table", func() error {
		_, err := m.db.DeleteItem(ctx,
			&dynamodb.DeleteItemInput{TableName: aws.String("another"), Key: values{"k": s("x")}})
		return err
	})
	t.Setenv("_X_AMZN_TRACE_ID", "")
	if _, err := m.db.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &m.table}); err != nil {
		t.Fatal(err)
	}
	if calls, err := m.Take(ctx); len(calls) > 0 || err != nil {
		t.Errorf("at the start: %v, %v", calls, err)
	}
}
