package bench

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/attribute"
)

// recorder passes requests on to DynamoDB and keeps what they were.
type recorder struct {
	*httptest.Server
	mu    sync.Mutex
	calls []recordedCall
}

// recordedCall is a request to DynamoDB.
type recordedCall struct {
	operation string
	bytes     int // of its body
}

func record(t *testing.T, endpoint string) *recorder {
	t.Helper()
	to, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	r := &recorder{}
	pass := httputil.NewSingleHostReverseProxy(to) // no engine looks at the signature
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		body, err := io.ReadAll(request.Body)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		_, operation, _ := strings.Cut(request.Header.Get("X-Amz-Target"), ".")
		r.mu.Lock()
		r.calls = append(r.calls, recordedCall{operation, len(body)})
		r.mu.Unlock()
		request.Body = io.NopCloser(bytes.NewReader(body))
		pass.ServeHTTP(w, request)
	}))
	t.Cleanup(r.Close)
	return r
}

// take gives the calls since the last time.
func (r *recorder) take() []recordedCall {
	r.mu.Lock()
	defer r.mu.Unlock()
	calls := r.calls
	r.calls = nil
	return calls
}

// alike allows for names that are longer by a word or two.
func alike(a, b recordedCall) bool {
	return a.operation == b.operation && a.bytes <= b.bytes+b.bytes/8 && b.bytes <= a.bytes+a.bytes/8
}

func TestAlike(t *testing.T) {
	a := recordedCall{"Query", 800}
	if !alike(a, recordedCall{"Query", 850}) || alike(a, recordedCall{"Query", 1000}) ||
		alike(recordedCall{"Query", 1000}, a) || alike(a, recordedCall{"GetItem", 800}) {
		t.Error("calls are compared wrongly")
	}
}

// A floor that makes other calls than the function is none: one invocation of it makes
// the same calls as one of the function, with requests of about the same length. After
// that both sides have done the same work.
func TestFloorMakesTheSameCalls(t *testing.T) {
	b := ready(t)
	recorder := record(t, b.Endpoint)
	b.through = recorder.URL
	p, err := b.start(t.Context(), "same", true, warmFloor)
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	all, err := p.invocations(t.Context(), b.Root, 2)
	if err != nil {
		t.Fatal(err)
	}
	if p.done(t.Context(), 2) == nil {
		t.Error("all is done before anything was called")
	}
	for _, i := range all {
		var made [2][]recordedCall
		for n := range 2 { // the first has the start in it
			for at, side := range i.sides() {
				recorder.take()
				if _, err := side.call(t.Context(), n); err != nil {
					t.Fatalf("%s: %v", i.function, err)
				}
				made[at] = recorder.take()
			}
		}
		if !slices.EqualFunc(made[0], made[1], alike) {
			t.Errorf("%s makes the calls (and bytes) %v, its floor %v", i.function, made[0], made[1])
		}
	}
	if err := p.done(t.Context(), 2); err != nil {
		t.Error(err)
	}
}

// done looks whether both sides did the work of so many calls each.
func (p *programs) done(ctx context.Context, calls int) error {
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
	call := invocation{says: func(int) string { return `"status":true` }}
	if err := call.right(0, []byte(`{"statusCode":200,"body":"{\"status\":true}"}`)); err != nil {
		t.Error(err)
	}
	for _, text := range []string{
		`{"statusCode":200,"body":"{\"status\":false}"}`, `{"statusCode":503,"body":"{\"status\":true}"}`, `null`, ``,
		`{"statusCode":200,"body":"{\"status\":true}","isBase64Encoded":true}`,
	} {
		if call.right(0, []byte(text)) == nil {
			t.Errorf("%s is taken for a right answer", text)
		}
	}
	authorizer := invocation{caller: "csr"}
	lets := `{"principalId":"csr","policyDocument":{"Statement":[{"Effect":"Allow"}]}}`
	if err := authorizer.right(0, []byte(lets)); err != nil {
		t.Error(err)
	}
	for _, text := range []string{
		`{"principalId":"csr","policyDocument":{"Statement":[{"Effect":"Deny"}]}}`,
		`{"principalId":"csr","policyDocument":{}}`,
		`{"principalId":"refused","policyDocument":{"Statement":[{"Effect":"Allow"}]}}`, `null`, ``,
	} {
		if authorizer.right(0, []byte(text)) == nil {
			t.Errorf("%s is taken for an Allow", text)
		}
	}
}
