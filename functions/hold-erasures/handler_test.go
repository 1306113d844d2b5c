package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"customercare/infra/attribute"
	"customercare/infra/testkit/dynamotest"
	"customercare/infra/testkit/metrictest"
	"customercare/shared/erasure"
	"customercare/shared/gateway"
	"customercare/shared/operation"
	"customercare/shared/store"
)

const (
	ofCustomer = `{"customer":{"accountId":"shop","code":"4711"},"reason":"court"}`
	ofNumber   = `{"number":{"tenantId":"acme","customNo":"135"},"reason":"court"}`
)

// want fails the test when the answer has another status, or a body without a text.
func want(t testing.TB, got gateway.Answer, status int, text string) {
	t.Helper()
	if got.StatusCode != status || !strings.Contains(got.Body, text) {
		t.Errorf("got  %d %s\nwant %d with %s", got.StatusCode, got.Body, status, text)
	}
}

// TestLifeOfAHold goes through the calls of a hold, of each kind: placed and placed
// again, shown, listed, released and released again.
func TestLifeOfAHold(t *testing.T) {
	for name, body := range map[string]string{"customer": ofCustomer, "number": ofNumber} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.Put(t, w.Contacts.Table, attribute.Item{
				"party": attribute.Text("acme#135"), "contact": attribute.Text("c1"), "parties": attribute.Texts("135"),
			})
			subject := strings.TrimSuffix(strings.TrimPrefix(body, "{"), `,"reason":"court"}`)
			active := `{"id":"case-1","status":"active",` + subject + `,"reason":"court","by":"csr","placed":"`
			want(t, w.ask(t, "csr", "PUT", "case-1", body), 201, active)
			want(t, w.ask(t, "csr", "PUT", "case-1", body), 200, active)
			want(t, w.ask(t, "csr", "GET", "case-1", ""), 200, active)
			want(t, w.ask(t, "csr", "GET", "", ""), 200, `{"holds":[`+active)
			other := strings.Replace(body, "court", "other", 1)
			want(t, w.ask(t, "csr", "PUT", "case-1", other), 409, "There is or was another hold with this id")
			for range 2 {
				want(t, w.ask(t, "csr", "DELETE", "case-1", ""), 202, `"status":"releasing"`)
			}
			want(t, w.ask(t, "csr", "PUT", "case-1", body), 409, "There is or was another hold with this id")
			if failing, err := w.holder.Due(t.Context(), w.index); failing > 0 || err != nil {
				t.Fatal(failing, err)
			}
			want(t, w.ask(t, "csr", "DELETE", "case-1", ""), 200, `"status":"released"`)
			released := w.ask(t, "csr", "GET", "case-1", "")
			want(t, released, 200, `"releasedBy":"csr"`)
			if metrictest.Names(released.Body, "4711") || metrictest.Names(released.Body, "135") {
				t.Errorf("it still says whom it was about: %s", released.Body)
			}
			want(t, w.ask(t, "csr", "GET", "", ""), 200, `{"holds":[],"more":false}`)
			if left := strings.Join(w.Dump(t, w.Contacts.Table), ""); strings.Contains(left, "held") {
				t.Errorf("marked: %s", left)
			}
		})
	}
}

// A customer who is held is refused; one who is being erased cannot be held.
func TestHoldsAndErasures(t *testing.T) {
	w := newWorld(t)
	w.Put(t, w.Customers.Table, attribute.Item{
		"customer": attribute.Text("shop#4711"), "record": attribute.Text(store.CustomerRecord),
	})
	want(t, w.ask(t, "csr", "PUT", "case-1", ofCustomer), 201, "active")
	intake := erasure.NewCustomerIntake(w.Erasures, w.Customers, w.Kit.Holds, w.digests,
		erasure.Timing{WriterLifetime: time.Minute}, erasure.SystemClock())
	request := erasure.CustomerRequest{Account: "shop", Code: "4711", By: "john"}
	if _, err := intake.Customer(t.Context(), request, time.Second); !errors.Is(err, erasure.ErrCustomerHeld) {
		t.Errorf("not refused: %v", err)
	}
	want(t, w.ask(t, "csr", "DELETE", "case-1", ""), 202, "releasing")
	if _, err := w.holder.Due(t.Context(), w.index); err != nil {
		t.Fatal(err)
	}
	want(t, w.ask(t, "csr", "PUT", "case-2", ofCustomer), 409, "The customer is being erased")
}

// A contact that DynamoDB does not take at once leaves the hold to cleanup.
func TestHoldIsPlacedLater(t *testing.T) {
	w := newWorld(t)
	for i := range 201 { // a page and one more
		w.Put(t, w.Contacts.Table, attribute.Item{
			"party": attribute.Text("acme#135"), "contact": attribute.Text(fmt.Sprint("c", i)), "parties": attribute.Texts("135"),
		})
	}
	start := time.Now()
	calls := 0
	w.now = func() time.Time { // the time is up at once
		if calls++; calls > 1 {
			return start.Add(-time.Hour)
		}
		return start
	}
	want(t, w.ask(t, "csr", "PUT", "case-1", ofNumber), 202, `"status":"placing"`)
	w.holder = erasure.NewHolder(w.Erasures, w.Customers, w.Contacts, w.Kit.Holds, erasure.Timing{},
		erasure.NewClock(func() time.Time { return start.Add(time.Hour) }, nil))
	if failing, err := w.holder.Due(t.Context(), dynamotest.StandingIndex); failing > 0 || err != nil {
		t.Fatal(failing, err)
	}
	want(t, w.ask(t, "csr", "GET", "case-1", ""), 200, `"status":"active"`)
}

// Each refusal has its status and its sentence, and nothing is written.
func TestRefusals(t *testing.T) {
	w := newWorld(t)
	for name, test := range map[string]struct {
		by, method, id, body string
		status               int
		sentence             string
	}{
		"nobody":               {"", "PUT", "a", ofCustomer, 401, "Authorization is missing, wrong or expired"},
		"wrong password":       {"Basic Y3NyOnJ1bm5pbmc=", "GET", "a", "", 401, "Authorization is missing, wrong or expired"},
		"without the scope":    {"other", "PUT", "a", ofCustomer, 403, "This operation is not allowed to the caller"},
		"an API user":          {"john", "PUT", "a", ofCustomer, 403, "This operation is not allowed to the caller"},
		"an app":               {"ak", "DELETE", "a", "", 403, "This operation is not allowed to the caller"},
		"POST":                 {"csr", "POST", "a", "", 405, "only DELETE, GET, PUT"},
		"POST to the list":     {"csr", "POST", "", "", 405, "only GET"},
		"unknown, shown":       {"csr", "GET", "a", "", 404, "There is no such hold"},
		"unknown, released":    {"csr", "DELETE", "a", "", 404, "There is no such hold"},
		"no id, shown":         {"csr", "GET", "A B", "", 404, "There is no such hold"},
		"no id":                {"csr", "PUT", "Mr-Smith", ofCustomer, 400, "id in the path must be"},
		"an id with an end":    {"csr", "PUT", "a-", ofCustomer, 400, "id in the path must be"},
		"a long id":            {"csr", "PUT", strings.Repeat("a", 65), ofCustomer, 400, "id in the path must be"},
		"nothing":              {"csr", "PUT", "a", `{}`, 400, "Either customer or number is required"},
		"both":                 {"csr", "PUT", "a", `{"customer":{},"number":{}}`, 400, "Either customer or number is required"},
		"no code":              {"csr", "PUT", "a", `{"customer":{"accountId":"shop"},"reason":"r"}`, 400, "customer.code must be"},
		"no number":            {"csr", "PUT", "a", `{"number":{"tenantId":"acme"},"reason":"r"}`, 400, "number.customNo must be"},
		"a number not to say":  {"csr", "PUT", "a", `{"number":{"tenantId":"acme","customNo":"\u0001"},"reason":"r"}`, 400, "number.customNo holds"},
		"no reason":            {"csr", "PUT", "a", `{"customer":{"accountId":"shop","code":"1"}}`, 400, "reason is required"},
		"a reason of lines":    {"csr", "PUT", "a", `{"customer":{"accountId":"shop","code":"1"},"reason":"a\nb"}`, 400, "reason is required"},
		"an end that is over":  {"csr", "PUT", "a", strings.Replace(ofCustomer, `"reason"`, `"until":"2020-01-01T00:00:00Z","reason"`, 1), 400, "until must be in the future"},
		"an end that is none":  {"csr", "PUT", "a", strings.Replace(ofCustomer, `"reason"`, `"until":"tomorrow","reason"`, 1), 400, "until must be a date"},
		"not JSON":             {"csr", "PUT", "a", `{`, 400, "The request body is not valid JSON"},
		"a misspelt field":     {"csr", "PUT", "a", `{"Customer":{}}`, 400, "write customer"},
		"a field of many":      {"csr", "PUT", "a", `{"number":[]}`, 400, "number has a value of the wrong type"},
		"an empty body":        {"csr", "PUT", "a", ``, 400, "The request body is empty"},
		"a reason of a number": {"csr", "PUT", "a", `{"customer":{"accountId":"shop","code":"1"},"reason":1}`, 400, "reason has a value"},
	} {
		t.Run(name, func(t *testing.T) {
			answer := w.ask(t, test.by, test.method, test.id, test.body)
			want(t, answer, test.status, test.sentence)
			var problem struct{ Title string }
			if err := json.Unmarshal([]byte(answer.Body), &problem); err != nil || problem.Title != http.StatusText(test.status) {
				t.Errorf("no problem: %s", answer.Body)
			}
		})
	}
	if left := w.Dump(t, w.Kit.Holds.Table, w.Kit.Erasures.Table); len(left) > 0 {
		t.Errorf("left %s", left)
	}
	if operation.HoldErasures.Caller != "" {
		t.Error("an authorizer of API Gateway would let callers in")
	}
}
