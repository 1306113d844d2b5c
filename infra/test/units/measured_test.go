package units

import (
	"fmt"
	"math/rand/v2"
	"sort"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/quotas"
)

// TestRulesOfWrites makes the same random writes one by one, where DynamoDB Local reports
// what DynamoDB would, and in transactions and batches, which the rules count: a
// transaction's are twice as many for the table and as many for the index.
func TestRulesOfWrites(t *testing.T) {
	m, ctx := newMetered(t), t.Context()
	random := rand.New(rand.NewPCG(1, 2))
	shape := func() values {
		item := values{
			"x": s(strings.Repeat("x", random.IntN(3000))),
			"n": n(fmt.Sprint(random.IntN(1000))),
			"b": &types.AttributeValueMemberBOOL{Value: true},
		}
		item["list"] = &types.AttributeValueMemberL{Value: []types.AttributeValue{s("a"), n("-12.5")}}
		if random.IntN(3) > 0 { // in the index
			item["openShard"], item["dueAt"] = s(fmt.Sprint(random.IntN(2))), n(fmt.Sprint(random.IntN(2)))
		}
		if random.IntN(2) > 0 { // projected
			item["failures"], item["requestedAt"] = n(
				fmt.Sprint(random.IntN(2))), s(strings.Repeat("r", random.IntN(2)*1500))
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
			transaction.Delete, batch.DeleteRequest = &types.Delete{
				TableName: &m.table,
				Key:       of(nil, "together"),
			}, &types.DeleteRequest{
				Key: of(nil, "in a batch"),
			}
		} else {
			_, err = m.db.PutItem(ctx, &dynamodb.PutItemInput{TableName: &m.table, Item: of(item, "alone")})
			transaction.Put, batch.PutRequest = &types.Put{
				TableName: &m.table, Item: of(item, "together"),
			}, &types.PutRequest{Item: of(item, "in a batch")}
		}
		if err != nil {
			t.Fatal(err)
		}
		want := m.one(t)
		if _, err := m.db.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{
			RequestItems: map[string][]types.WriteRequest{m.table: {batch}},
		}); err != nil {
			t.Fatal(err)
		}
		if got := m.one(t); got != want {
			t.Fatalf("write %d in a batch: %+v, alone %+v", i, got, want)
		}
		if _, err := m.db.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{
			TransactItems: []types.TransactWriteItem{transaction},
		}); err != nil {
			t.Fatal(err)
		}
		want.Writes *= 2
		if got := m.one(t); got != want {
			t.Fatalf("write %d in a transaction: %+v, want %+v", i, got, want)
		}
	}
}

// TestSizes finds the length of a text beside which values of every type fill 1 KB to the
// byte, by what the engine takes for a second unit, and holds the rule to it. DynamoDB
// Local counts a byte more than AWS documents for numbers whose digits do not pair up
// from the decimal point on; the rule is the documented one.
func TestSizes(t *testing.T) {
	m, ctx := newMetered(t), t.Context()
	for name, value := range map[string]types.AttributeValue{
		"nothing": nil, "text": s("äöü"), "zero": n("0"), "digits": n("1234567"), "minus": n("-120"),
		"three": n("120"),
		"odd":   n("10.5"), "fraction": n("0.00125"), "millions": n("45000000"),
		"flag": &types.AttributeValueMemberBOOL{}, "null": &types.AttributeValueMemberNULL{Value: true},
		"bytes":   &types.AttributeValueMemberB{Value: []byte{1, 2, 3}},
		"texts":   &types.AttributeValueMemberSS{Value: []string{"a", "bcd"}},
		"numbers": &types.AttributeValueMemberNS{Value: []string{"1", "200"}},
		"list": &types.AttributeValueMemberL{
			Value: []types.AttributeValue{s("a"), n("1"), &types.AttributeValueMemberL{}},
		},
		"map": &types.AttributeValueMemberM{
			Value: values{"k": s("v"), "in": &types.AttributeValueMemberM{Value: values{"n": n("12")}}},
		},
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
			_, err := m.db.DeleteItem(ctx,
				&dynamodb.DeleteItemInput{TableName: &m.table, Key: values{"erasureId": s("k")}})
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
		documented := 1024 - quotas.Size(item(0))
		if oneMore := name == "minus" || name == "three"; fits != documented && !(oneMore && fits == documented-1) {
			t.Errorf("%s: the engine has room for a text of %d bytes, the rule of %d", name, fits, documented)
		}
		// A transaction is counted by the rules, and so by the size.
		for length, want := range map[int]float64{documented: 2, documented + 1: 4} {
			got := alone(length, func(item values) error {
				_, err := m.db.TransactWriteItems(
					ctx,
					&dynamodb.TransactWriteItemsInput{
						TransactItems: []types.TransactWriteItem{{Put: &types.Put{TableName: &m.table, Item: item}}},
					},
				)
				return err
			})
			if got != want {
				t.Errorf("%s: %g units with a text of %d bytes, want %g", name, got, length, want)
			}
		}
	}
}
