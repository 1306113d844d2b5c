package openapi

import (
	"cmp"
	"errors"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"customercare/infra/client"
	"customercare/infra/testkit/spec"
)

// TestRandomRequests sends to each operation of the document requests that are made of
// it, right ones and such as differ from a right one in one thing. No answer is a failure
// of the service, each fits the document, and a request is refused for its form if and
// only if the document says that it is wrong.
func TestRandomRequests(t *testing.T) {
	w := start(t)
	for _, route := range w.document.Routes() {
		offered[route] = true
	}
	_ = flag.Set("rapid.nofailfile", "true")
	_ = flag.Set("rapid.checks", cmp.Or(os.Getenv("CHAOS_CHECKS"), "30"))
	if os.Getenv("CHAOS_CHECKS") == "" { // the same requests each time; `make chaos` tries others
		_ = flag.Set("rapid.seed", "20261127")
	}
	tried, done := map[string]int{}, map[string]bool{}
	operations := w.document.Operations()
	slices.SortFunc(operations, func(a, b spec.Operation) int { return cmp.Compare(turn(a), turn(b)) })
	for _, op := range operations {
		t.Run(op.ID, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				r := w.valid(t, op)
				change := rapid.SampledFrom(changes).Draw(t, "change")
				says, is := change.do(t, &r)
				if !is {
					return
				}
				tried[change.name]++
				sent := r.sent()
				answer, wrong := w.ask(t.Context(), sent)
				done[op.ID] = done[op.ID] || answer.Status < 300 && !unsuccessful(answer)
				if wrong == nil {
					wrong = judge(r, says, answer)
				}
				if wrong != nil {
					t.Fatalf("%s: %v\n%s %s\n%s\n%.400q\nanswered with %s", change.name, wrong, sent.Method, sent.Path,
						strings.Join(sent.Headers, "\n"), sent.Body, answer)
				}
			})
		})
	}
	for _, op := range operations {
		elsewhere := strings.HasPrefix(op.ID, "callLoyaltyService") // this stack has nobody to pass calls on to
		if !done[op.ID] && !elsewhere {
			t.Errorf("no request of %s was successful", op.ID)
		}
	}
	for _, change := range changes {
		if tried[change.name] == 0 {
			t.Errorf("nothing was tried with %s", change.name)
		}
	}
	t.Log(tried)
}

// turn is when an operation is tried: the customer of the examples is erased before it is
// held, and a hold is placed before it is read and released.
func turn(o spec.Operation) int {
	first := []string{"deleteCustomer", "deleteCustomerAtRoot", "placeHold", "readHold"}
	if at := slices.Index(first, o.ID); at >= 0 {
		return at
	}
	return len(first)
}

// judge says what is wrong with an answer that fits the document, nil for nothing.
func judge(r request, says verdict, answer client.Answer) error {
	refused := answer.Status >= 400 || unsuccessful(answer)
	switch {
	case answer.Status >= 500:
		return errors.New("the service failed")
	case says == breaks && !refused && !lenient(r):
		return errors.New("the document says that it is wrong")
	case says == fits && refusedForItsForm(answer):
		return errors.New("the document says that it is right")
	}
	return nil
}

// unsuccessful says whether an answer of operation 3 is an error, with its status 200.
func unsuccessful(answer client.Answer) bool {
	return strings.Contains(answer.Body, `<response status="error">`) || strings.Contains(answer.Body, `"error":`)
}

// refusedForItsForm says whether an answer refuses the request whatever there is in the
// tables.
func refusedForItsForm(answer client.Answer) bool {
	switch answer.Status {
	case 400, 405, 406, 411, 413, 414, 415, 431:
		return true
	}
	for _, fair := range []string{
		"code is not the code of a customer", "user_id, user_password or account_id is wrong", "the customer is held",
	} {
		if strings.Contains(answer.Body, fair) {
			return false
		}
	}
	return unsuccessful(answer)
}

// lenient says whether docs/contracts.md takes more than the document asks for: the
// operations of apps read any type as JSON.
func lenient(r request) bool {
	return r.op.ID == "cleanCustomerPersonalData" || r.op.ID == "tokenByAkSk"
}
