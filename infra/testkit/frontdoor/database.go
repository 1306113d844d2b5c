package frontdoor

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"customercare/infra/quotas"
	"customercare/infra/testkit/canned"
)

// Database answers in the process, many thousand times a second, what DynamoDB answers a
// function whose tables are empty or hold just what the caller names. Like DynamoDB it
// refuses keys and items that are too large, which a function turns into a 500: so an
// input that gets that far without having been refused is seen.
type Database struct {
	// Known says that the user, customer or open erasure that is asked for stands there:
	// conditions on it hold.
	Known bool
	// Principals are items of the principals' table as DynamoDB's JSON, by their key.
	Principals map[string]string
	// Strict locks the caller's address out for all other principals, so that no slow
	// hash is spent on their names.
	Strict bool
	// Item is what stands there where Known, as DynamoDB's JSON: GetItem reads it, and
	// UpdateItem gives it back where it asks for what stood there.
	Item string

	mu      sync.Mutex // a function may make several calls at once
	calls   []DatabaseCall
	written bool // a transaction was, so that the customer is gone
}

// DatabaseCall is what one call sent to DynamoDB.
type DatabaseCall struct {
	Action string // UpdateItem
	Body   []byte
}

// Client talks to d.
func (d *Database) Client() *dynamodb.Client { return canned.Client(canned.Database(d.answer)) }

// Calls are the calls since the last event.
func (d *Database) Calls() []DatabaseCall {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.calls)
}

func (d *Database) reset() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls, d.written = nil, false
}

const (
	wrongInput      = `{"__type":"com.amazon.coral.validate#ValidationException","message":%q}`
	conditionFailed = `{"__type":"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException",` +
		`"message":"The conditional request failed"}`
)

func (d *Database) answer(action string, r io.Reader) (string, error) {
	body, err := io.ReadAll(r)
	if err != nil {
		return "", err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls = append(d.calls, DatabaseCall{action, body})
	if wrong := unacceptable(body); wrong != "" {
		return fmt.Sprintf(wrongInput, wrong), nil
	}
	switch action {
	case "BatchGetItem":
		return d.principals(body), nil
	case "UpdateItem":
		if !d.Known && bytes.Contains(body, []byte("attribute_exists(")) {
			return conditionFailed, nil
		}
		if d.Item != "" && bytes.Contains(body, []byte(`"ReturnValues":"ALL_OLD"`)) {
			return `{"Attributes":` + d.Item + `}`, nil
		}
	case "GetItem":
		if d.Known && d.Item != "" {
			return `{"Item":` + d.Item + `}`, nil
		}
	case "Query":
		if d.Known && !d.written {
			return `{"Count":1,"ScannedCount":1,"Items":[{"record":{"S":"customer"}}]}`, nil
		}
		return `{"Count":0,"ScannedCount":0,"Items":[]}`, nil
	case "TransactWriteItems":
		d.written = true
	}
	return "{}", nil
}

// principals answers what is asked for of the principals' table.
func (d *Database) principals(body []byte) string {
	var asked struct {
		RequestItems map[string]struct {
			Keys []struct{ Principal struct{ S string } }
		}
	}
	_ = json.Unmarshal(body, &asked) // unacceptable has read it
	for table, requested := range asked.RequestItems {
		var items []string
		failures := ""
		for _, key := range requested.Keys {
			name := key.Principal.S
			if item, ok := d.Principals[name]; ok {
				items = append(items, item)
			} else if strings.HasPrefix(name, "failures#") {
				failures = fmt.Sprintf(`{"principal":{"S":%q},"n":{"N":"1000000"},`+
					`"since":{"N":"%[2]d"},"last":{"N":"%[2]d"}}`, name, time.Now().UnixMilli())
			}
		}
		if d.Strict && len(items) == 0 && failures != "" {
			items = append(items, failures)
		}
		return `{"Responses":{"` + table + `":[` + strings.Join(items, ",") + `]},"UnprocessedKeys":{}}`
	}
	return "{}"
}

// keys are the template's key attributes, with DynamoDB's limit in bytes.
var keys = map[string]int{
	"customerId": quotas.MaxPartitionKey, "customer": quotas.MaxPartitionKey,
	"principal": quotas.MaxPartitionKey, "erasureId": quotas.MaxPartitionKey,
	"party": quotas.MaxPartitionKey, "record": quotas.MaxSortKey, "contact": quotas.MaxSortKey,
}

// unacceptable is why DynamoDB would not take a call's body, or "".
func unacceptable(body []byte) (wrong string) {
	var all any
	if err := json.Unmarshal(body, &all); err != nil {
		return "the body is no JSON"
	}
	size := 0
	attributes("", all, func(name, text string) {
		size += len(name) + len(text)
		most, isKey := keys[strings.TrimPrefix(name, ":")]
		if isKey && (text == "" || len(text) > most) {
			wrong = fmt.Sprintf("%s has %d bytes", name, len(text))
		}
	})
	if wrong == "" && size > quotas.MaxItem { // all of a call together, which is stricter
		return fmt.Sprintf("%d bytes are too many", size)
	}
	return wrong
}

// attributes calls visit with every string attribute of a call's body, those within lists
// under the list's name.
func attributes(name string, value any, visit func(name, text string)) {
	switch value := value.(type) {
	case map[string]any:
		if text, ok := value["S"].(string); ok && len(value) == 1 {
			visit(name, text)
			return
		}
		for name, member := range value {
			attributes(name, member, visit)
		}
	case []any:
		for _, member := range value {
			attributes(name, member, visit)
		}
	}
}
