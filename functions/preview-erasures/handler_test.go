package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"customercare/infra/testkit/dynamotest"
	"customercare/shared/erasure"
	"customercare/shared/store"
)

const (
	ofCustomer = `{"customer":{"accountId":"shop","code":"4711"}}`
	ofNumbers  = `{"numbers":{"tenantId":"acme","customNos":["135","136"]}}`
	ofNobody   = `{"found":{"customers":0,"transactions":0,"others":0,"contacts":0},"held":0,"campaigns":[],"open":null,"atLeast":false}`
)

// TestPreview has the answers to the letter, before the erasures, while they are open,
// and of what there is not. A preview writes nothing.
func TestPreview(t *testing.T) {
	w := newWorld(t)
	expect(t, w.ask(t, "csr", ofCustomer), 200, ofNobody)
	expect(t, w.ask(t, "csr", ofNumbers), 200, ofNobody)
	w.customer(t, "shop", "4711", 3)
	w.customer(t, "shop", "4712", 5)
	w.contact(t, "acme", "c1", "135", "136", "137")
	w.contact(t, "acme", "c2", "137")
	w.contact(t, "acme", "c3", "136")
	before := w.All()
	customer := `{"found":{"customers":1,"transactions":3,"others":0,"contacts":0},"held":0,"campaigns":[{"campaign":"spring","transactions":3}],"open":null,"atLeast":false}`
	expect(t, w.ask(t, "csr", ofCustomer), 200, customer)
	expect(t, w.ask(t, "john", ofCustomer), 200, customer)
	numbers := strings.Replace(ofNobody, `"contacts":0`, `"contacts":2`, 1)
	expect(t, w.ask(t, "csr", ofNumbers), 200, numbers)
	expect(t, w.ask(t, "ak", ofNumbers), 200, numbers)
	expect(t, w.ask(t, "ak", `{"numbers":{"customNos":["136","135","135"]}}`), 200, numbers)
	if !slices.Equal(before, w.All()) {
		t.Error("a preview has written")
	}
	timing := erasure.Timing{WriterLifetime: time.Minute}
	id, err := erasure.NewCustomerIntake(w.Erasures, w.Customers, w.Holds, w.digests, timing, erasure.SystemClock()).Customer(
		t.Context(), erasure.CustomerRequest{Account: "shop", Code: "4711", By: "john"}, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	open := func(id string) string { return strings.Replace(ofNobody, "null", `"`+id+`"`, 1) }
	expect(t, w.ask(t, "john", ofCustomer), 200, open(id))
	id, err = erasure.NewNumbersIntake(w.Erasures, w.digests, time.Now).Numbers(
		t.Context(), erasure.NumbersRequest{Tenant: "acme", Numbers: []string{"135", "136"}, By: "ak"})
	if err != nil {
		t.Fatal(err)
	}
	expect(t, w.ask(t, "ak", ofNumbers), 200, strings.Replace(open(id), `"contacts":0`, `"contacts":2`, 1))
}

// TestPreviewOfWhatIsHeld: what a hold keeps is held and not found, of a customer all of
// it.
func TestPreviewOfWhatIsHeld(t *testing.T) {
	w := newWorld(t)
	w.customer(t, "shop", "4711", 3)
	w.contact(t, "acme", "c1", "135", "136", "137")
	w.contact(t, "acme", "c2", "135", "137")
	w.contact(t, "acme", "c3", "136")
	holder := erasure.NewHolder(w.Erasures, w.Customers, w.Contacts, w.Holds, erasure.Timing{}, erasure.SystemClock())
	for _, hold := range []store.Hold{
		{ID: "case-1", Kind: store.HoldOfCustomer, Scope: "shop", Subject: "4711"},
		{ID: "case-2", Kind: store.HoldOfNumber, Scope: "acme", Subject: "137"},
	} {
		if _, _, err := holder.Place(t.Context(), hold, []string{"1.0"}, time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	expect(t, w.ask(t, "john", ofCustomer), 200, strings.Replace(ofNobody, `"held":0`, `"held":4`, 1))
	held := strings.Replace(ofNobody, `"contacts":0},"held":0`, `"contacts":1},"held":2`, 1)
	expect(t, w.ask(t, "ak", ofNumbers), 200, held)
	if _, err := holder.Release(t.Context(), "case-2", "legal"); err != nil {
		t.Fatal(err)
	}
	expect(t, w.ask(t, "ak", ofNumbers), 200, strings.Replace(ofNobody, `"contacts":0`, `"contacts":3`, 1)) // the marks stand still
}

// TestCallers: who may ask about what. What is not the caller's is refused in the same
// way whether it is there or not, and nothing of it is read.
func TestCallers(t *testing.T) {
	w := newWorld(t)
	w.customer(t, "shop", "4711", 1)
	w.customer(t, "other", "4711", 1)
	forbidden := problem(403, "Forbidden", "This operation is not allowed to the caller")
	foreignNumbers := `{"numbers":{"tenantId":"other","customNos":["135"]}}`
	foreign := func(code string) string { return `{"customer":{"accountId":"other","code":"` + code + `"}}` }
	for _, row := range [][2]string{
		{"other", ofCustomer}, {"other", ofNumbers}, {"other", "{}"}, {"john", foreign("4711")}, {"john", foreign("4712")},
		{"john", ofNumbers}, {"ak", ofCustomer}, {"ak", foreignNumbers},
	} {
		w.Faults.Calls()
		expect(t, w.ask(t, row[0], row[1]), 403, forbidden)
		if calls := w.Faults.Calls(); slices.Contains(calls, "Query") {
			t.Errorf("%s, %s: %v", row[0], row[1], calls)
		}
	}
	unknown := problem(401, "Unauthorized", "Authorization is missing, wrong or expired")
	for _, by := range []string{"", "Basic", "Basic am9objp3cm9uZw==", "Bearer x", "Digest x"} {
		got := w.ask(t, by, ofCustomer)
		expect(t, got, 401, unknown)
		if !strings.Contains(fmt.Sprint(got.MultiValueHeaders["Www-Authenticate"]), `realm="customercare"`) {
			t.Errorf("%v", got.MultiValueHeaders)
		}
	}
	if got := w.ask(t, "csr", foreign("4711")); got.StatusCode != 200 {
		t.Errorf("an operator may ask about all: %d", got.StatusCode)
	}
}

// TestRequests: what is wrong with a request, in sentences that name the field.
func TestRequests(t *testing.T) {
	w := newWorld(t)
	many := make([]string, 1001)
	for n := range many {
		many[n] = fmt.Sprintf(`"%d"`, n)
	}
	list := func(numbers string) string { return `{"numbers":{"tenantId":"acme","customNos":[` + numbers + `]}}` }
	long := strings.Repeat("x", 129)
	for body, detail := range map[string]string{
		`{}`: "Either customer or numbers is required, and not both",
		`{"customer":{"accountId":"shop","code":"1"},"numbers":{"tenantId":"acme","customNos":["1"]}}`: "Either customer or numbers is required, and not both",
		`{"customer":null}`:                                       "Either customer or numbers is required, and not both",
		`{"customer":{"accountId":"shop"}}`:                       "customer.code must be a string of 1 to 128 bytes",
		`{"customer":{"code":"1"}}`:                               "customer.accountId must be a string of 1 to 128 bytes",
		`{"customer":{"accountId":"shop","code":"` + long + `"}}`: "customer.code must be a string of 1 to 128 bytes",
		`{"numbers":{"customNos":["1"]}}`:                         "numbers.tenantId must be a string of 1 to 128 bytes",
		list(""):                                                  "numbers.customNos is required: a list of 1 to 1000 numbers",
		list(strings.Join(many, ",")):                             "numbers.customNos is required: a list of 1 to 1000 numbers",
		list(`"1",""`):                                            "numbers.customNos[1] must be a string of 1 to 128 bytes",
		list(`"1","` + long + `"`):                                "numbers.customNos[1] must be a string of 1 to 128 bytes",
	} {
		got := w.ask(t, "csr", body)
		expect(t, got, 400, problem(400, "Bad Request", detail))
	}
	for _, body := range []string{
		``, `[]`, `{`, `null`, `{"customer":[]}`, `{"numbers":{"customNos":"1"}}`, `{"Customer":{}}`,
		`{"customer":{"accountId":"shop","code":4711}}`, `{"customer":{"accountId":"shop","code":"\u0000"}}`,
		`{"customer":{"accountId":"shop","code":"1"},"customer":{"accountId":"shop","code":"2"}}`,
	} {
		if got := w.ask(t, "csr", body); got.StatusCode != 400 {
			t.Errorf("%s: %d %s", body, got.StatusCode, got.Body)
		}
	}
	if got := w.ask(t, "csr", list(strings.Join(many[:1000], ","))); got.StatusCode != 200 {
		t.Errorf("1000 numbers: %d %s", got.StatusCode, got.Body)
	}
	if got := w.ask(t, "csr", ofCustomer, [2]string{"Accept", "text/plain"}); got.StatusCode != 406 {
		t.Errorf("%d %s", got.StatusCode, got.Body)
	}
	if got := w.ask(t, "csr", ofCustomer, [2]string{"Content-Type", "text/plain"}); got.StatusCode != 415 {
		t.Errorf("%d %s", got.StatusCode, got.Body)
	}
	got := send(t, w.handler, "GET", "", "")
	expect(t, got, 405, problem(405, "Method Not Allowed", "The method is not offered here, only POST"))
	if fmt.Sprint(got.MultiValueHeaders["Allow"]) != "[POST]" {
		t.Errorf("%v", got.MultiValueHeaders)
	}
}

// TestFaults: each call of the database that fails makes a problem of the service, with a
// sentence, and never a smaller count.
func TestFaults(t *testing.T) {
	w := newWorld(t)
	w.customer(t, "shop", "4711", 3)
	w.contact(t, "acme", "c1", "135", "136")
	for _, row := range [][3]string{{"john", ofCustomer, `"transactions":3`}, {"ak", ofNumbers, `"contacts":1`}} {
		for _, fault := range []dynamotest.Fault{dynamotest.Before, dynamotest.Refused} {
			dynamotest.EveryMoment(t, func(t *testing.T, k int) (struck bool) {
				w.Faults.Inject(fault, k, k+20) // and the tries after it
				got := w.ask(t, row[0], row[1])
				struck = w.Faults.Struck()
				var answer struct{ Detail string }
				_ = json.Unmarshal([]byte(got.Body), &answer)
				switch {
				case struck && (got.StatusCode/100 != 5 || !strings.HasPrefix(answer.Detail, "The service ")):
					t.Errorf("%s, call %d: %d %s", row[0], k, got.StatusCode, got.Body)
				case !struck && (got.StatusCode != 200 || !strings.Contains(got.Body, row[2])):
					t.Errorf("%s: %d %s", row[0], got.StatusCode, got.Body)
				}
				return struck
			})
			w.Faults.Inject(dynamotest.Before, 0, 0)
		}
	}
}
