package bench_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/attribute"
)

// alike allows for names that are longer by a word or two.
func alike(a, b recordedCall) bool {
	inA, inB := len(a.Body), len(b.Body)
	return a.Operation == b.Operation && a.Refused == b.Refused && inA <= inB+inB/8 && inB <= inA+inA/8
}

func TestAlike(t *testing.T) {
	call := func(operation string, bytes int) recordedCall {
		return recordedCall{Operation: operation, Body: make([]byte, bytes)}
	}
	a := call("Query", 800)
	if !alike(a, call("Query", 850)) || alike(a, call("Query", 1000)) || alike(call("Query", 1000), a) ||
		alike(a, call("GetItem", 800)) || alike(a, recordedCall{"Query", a.Body, true}) {
		t.Error("calls are compared wrongly")
	}
}

// A floor that makes other calls than the function is none: one invocation of it makes
// the same calls as one of the function, with requests of about the same length. After
// that both sides have done the same work.
func TestFloorMakesTheSameCalls(t *testing.T) {
	b := ready(t)
	recorder, err := record(b.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	defer recorder.Close()
	b.through = recorder.URL
	all, end, err := b.comparisons(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	defer end()
	p := all[0].ran
	if p.done(t.Context(), 2) == nil {
		t.Error("all is done before anything was called")
	}
	for _, c := range all {
		if err := c.load(t.Context()); err != nil {
			t.Fatalf("%s: %v", c.function, err)
		}
		var made [2][]recordedCall
		for n := range 2 { // the first has the start in it
			for at, side := range c.sides() {
				recorder.take()
				if _, err := side(t.Context(), n); err != nil {
					t.Fatalf("%s: %v", c.function, err)
				}
				made[at] = recorder.take()
				// Readings at once are answered in any order.
				slices.SortStableFunc(made[at], func(a, b recordedCall) int { return strings.Compare(a.Operation, b.Operation) })
			}
		}
		if len(made[0]) == 0 || !slices.EqualFunc(made[0], made[1], alike) {
			t.Errorf("%s makes the calls %v, its floor %v", c.function, sizes(made[0]), sizes(made[1]))
		}
	}
	if err := p.done(t.Context(), 2); err != nil {
		t.Error(err)
	}
}

// sizes are the calls with how long each is.
func sizes(calls []recordedCall) (all []string) {
	for _, call := range calls {
		all = append(all, fmt.Sprintf("%s (%d bytes)", call.Operation, len(call.Body)))
	}
	return all
}

// done looks whether both sides did the work of so many calls each.
func (p *site) done(ctx context.Context, calls int) error {
	each := 2 * calls
	prefix := func(of string) attribute.Item { return attribute.Item{":of": attribute.Text(of)} }
	for _, look := range []struct {
		what, table, filter string
		values              attribute.Item
		want                int
	}{
		{"users with a device, none of those of operation 1", "Users", "attribute_exists(devices)", nil, each},
		{"users with an allow, those of operation 2", "Users", "attribute_exists(tempAllows.#name)", nil, each},
		{"transactions left", "Customers", "begins_with(#name, :of)", prefix("txn#"), 0},
		{"tombstones", "Customers", "attribute_exists(tombstone)", nil, each},
		{"jobs of customers", "Erasures", "begins_with(erasureId, :of)", prefix("customer-"), each},
		{"jobs of numbers", "Erasures", "begins_with(erasureId, :of)", prefix("numbers-"), each},
		{"tokens", "Principals", "begins_with(principal, :of)", prefix("token#"), each + 1}, // one is authorize-app's
	} {
		scan := &dynamodb.ScanInput{
			TableName: aws.String(p.Table(look.table)), FilterExpression: &look.filter,
			ExpressionAttributeValues: look.values,
			ConsistentRead:            aws.Bool(true), Select: types.SelectCount,
		}
		name := map[string]string{"Users": "3", "Customers": "record"}[look.table]
		if strings.Contains(look.filter, "#name") {
			scan.ExpressionAttributeNames = map[string]string{"#name": name}
		}
		got := 0
		for pages := dynamodb.NewScanPaginator(p.DynamoDB(), scan); pages.HasMorePages(); {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return err
			}
			got += int(page.Count)
		}
		if got != look.want {
			return fmt.Errorf("after all calls there are %d %s, not %d", got, look.what, look.want)
		}
	}
	return nil
}

// What is no right answer is told.
func TestWrongAnswers(t *testing.T) {
	call := invocation{says: func(string) string { return `"status":true` }}
	if err := call.right("", []byte(`{"statusCode":200,"body":"{\"status\":true}"}`)); err != nil {
		t.Error(err)
	}
	for _, text := range []string{
		`{"statusCode":200,"body":"{\"status\":false}"}`, `{"statusCode":503,"body":"{\"status\":true}"}`, `null`, ``,
		`{"statusCode":200,"body":"{\"status\":true}","isBase64Encoded":true}`,
	} {
		if call.right("", []byte(text)) == nil {
			t.Errorf("%s is taken for a right answer", text)
		}
	}
	authorizer := invocation{caller: "csr"}
	lets := `{"principalId":"csr","policyDocument":{"Statement":[{"Effect":"Allow"}]}}`
	if err := authorizer.right("", []byte(lets)); err != nil {
		t.Error(err)
	}
	for _, text := range []string{
		`{"principalId":"csr","policyDocument":{"Statement":[{"Effect":"Deny"}]}}`,
		`{"principalId":"csr","policyDocument":{}}`,
		`{"principalId":"refused","policyDocument":{"Statement":[{"Effect":"Allow"}]}}`, `null`, ``,
	} {
		if authorizer.right("", []byte(text)) == nil {
			t.Errorf("%s is taken for an Allow", text)
		}
	}
}
