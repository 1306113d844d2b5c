package frontdoor

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"customercare/infra/quotas"
	"customercare/infra/testkit/dynamotest"
)

// Database answers in the process, many thousand times a second, what DynamoDB answers a function whose tables are empty
// or hold just what the caller names. Like DynamoDB it refuses keys and items that are too large, which a function turns
// into a 500: so an input that gets as far as there without having been refused is seen.
type Database struct {
	// Known says that the user, customer or open erasure that is asked for stands there: conditions on it hold.
	Known bool
	// Principals are items of the principals' table as DynamoDB's JSON, by their key.
	Principals map[string]string
	// Strict locks the caller's address out for all other principals, so that no slow hash is spent on their names.
	Strict bool

	calls   []Call
	written bool // a transaction was, so that the customer is gone
}

// Call is one call of DynamoDB.
type Call struct {
	Action string // UpdateItem
	Body   []byte
}

// Client talks to d.
func (d *Database) Client() *dynamodb.Client {
	return dynamodb.New(dynamotest.Client("http://127.0.0.1:1").Options(), func(o *dynamodb.Options) {
		o.HTTPClient = &http.Client{Transport: d}
	})
}

// Calls are the calls since the last event.
func (d *Database) Calls() []Call { return d.calls }

func (d *Database) reset() { d.calls, d.written = nil, false }

func (d *Database) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	_, action, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	d.calls = append(d.calls, Call{action, body})
	status, text := d.answer(action, body)
	return &http.Response{
		StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
		Body:   io.NopCloser(strings.NewReader(text)), ContentLength: int64(len(text)),
	}, nil
}

func (d *Database) answer(action string, body []byte) (status int, text string) {
	if wrong := unacceptable(body); wrong != "" {
		return failure("com.amazon.coral.validate#ValidationException", wrong)
	}
	switch action {
	case "BatchGetItem":
		return http.StatusOK, d.principals(body)
	case "UpdateItem":
		if !d.Known && bytes.Contains(body, []byte("attribute_exists(")) {
			return failure("com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException", "The conditional request failed")
		}
	case "Query":
		if d.Known && !d.written {
			return http.StatusOK, `{"Count":1,"ScannedCount":1,"Items":[{"record":{"S":"customer"}}]}`
		}
		return http.StatusOK, `{"Count":0,"ScannedCount":0,"Items":[]}`
	case "TransactWriteItems":
		d.written = true
	}
	return http.StatusOK, "{}"
}

func failure(code, message string) (status int, text string) {
	return http.StatusBadRequest, fmt.Sprintf(`{"__type":%q,"message":%q}`, code, message)
}

// principals answers what is asked for of the principals' table.
func (d *Database) principals(body []byte) string {
	var asked struct {
		RequestItems map[string]struct {
			Keys []struct{ Principal struct{ S string } }
		}
	}
	_ = json.Unmarshal(body, &asked) // unacceptable has read it
	for table, of := range asked.RequestItems {
		var items []string
		counts := ""
		for _, key := range of.Keys {
			name := key.Principal.S
			if item, ok := d.Principals[name]; ok {
				items = append(items, item)
			} else if strings.HasPrefix(name, "failures#") {
				now := strconv.FormatInt(time.Now().UnixMilli(), 10)
				counts = `{"principal":{"S":"` + name + `"},"n":{"N":"1000000"},"since":{"N":"` + now + `"},"last":{"N":"` + now + `"}}`
			}
		}
		if d.Strict && len(items) == 0 && counts != "" {
			items = append(items, counts)
		}
		return `{"Responses":{"` + table + `":[` + strings.Join(items, ",") + `]},"UnprocessedKeys":{}}`
	}
	return "{}"
}

// keys are the template's key attributes, with DynamoDB's limit in bytes.
var keys = map[string]int{
	"customerId": quotas.MaxPartitionKey, "customer": quotas.MaxPartitionKey, "principal": quotas.MaxPartitionKey,
	"erasureId": quotas.MaxPartitionKey, "party": quotas.MaxPartitionKey, "record": quotas.MaxSortKey, "contact": quotas.MaxSortKey,
}

// unacceptable is why DynamoDB would not take a call's body, or "".
func unacceptable(body []byte) string {
	var all any
	if err := json.Unmarshal(body, &all); err != nil {
		return "the body is no JSON"
	}
	var s scan
	s.value("", all)
	if s.wrong == "" && s.size > quotas.MaxItem { // all of a call together, which is stricter
		return fmt.Sprintf("%d bytes are too many", s.size)
	}
	return s.wrong
}

// scan sums up the attributes of a call, and notes the first key that can be none.
type scan struct {
	size  int
	wrong string
}

func (s *scan) value(name string, value any) {
	switch value := value.(type) {
	case map[string]any:
		if text, ok := value["S"].(string); ok && len(value) == 1 {
			s.size += len(name) + len(text)
			most, isKey := keys[strings.TrimPrefix(name, ":")]
			if isKey && (text == "" || len(text) > most) {
				s.wrong = fmt.Sprintf("%s has %d bytes", name, len(text))
			}
			return
		}
		for name, member := range value {
			s.value(name, member)
		}
	case []any:
		for _, member := range value {
			s.value(name, member)
		}
	}
}
