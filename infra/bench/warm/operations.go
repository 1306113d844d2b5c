package warm

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"customercare/infra/bench/floor/warm/event"
	"customercare/infra/bench/program"
	"customercare/infra/bench/setup"
	"customercare/shared/principal"
	"customercare/shared/store"
)

// The functions, by their folders.
const (
	deleteInfo, setAllow, deleteCustomer, cleanData = "delete-customer-info", "set-temporary-allow", "delete-customer", "clean-customer-data"
	issueToken, authorizeOperator, authorizeApp     = "issue-token", "authorize-operator", "authorize-app"
)

// operation is one function and what it is called with; the n-th call of either side is about somebody of its own.
type operation struct {
	name, function string
	note           string
	slow           bool
	change         func(n int, event object)      // of the event that is in infra/events
	floor          func(n int) event.Event        // what the floor has to do
	says           func(n int, text string) error // nil when it is the right answer
	recorded       object                         // that event
}

type object = map[string]any

// event is the n-th call as API Gateway would make it.
func (o operation) event(n int) ([]byte, error) {
	o.change(n, o.recorded)
	return json.Marshal(o.recorded)
}

func (o operation) floorEvent(n int) ([]byte, error) {
	e := o.floor(n)
	e.Operation = o.function
	return json.Marshal(e)
}

// right refuses every answer that is not that of a call that did what it should.
func (o operation) right(n int, answer []byte) error {
	if err := o.says(n, string(answer)); err != nil {
		return fmt.Errorf("%w: it answers %.300s", err, answer)
	}
	return nil
}

// operations are all that table 4 is about.
func operations(ctx context.Context, s setup.Setup, stage *program.Stage) ([]operation, error) {
	const ours, floor = "ours", "floor"
	token, err := newToken(ctx, stage)
	if err != nil {
		return nil, err
	}
	expires := time.Now().Add(48 * time.Hour).UTC().Format(time.RFC3339)
	provision := func(function string) func(int, object) {
		return func(n int, e object) {
			user := userOf(ours, function, n)
			e["path"] = "/customercare/v1/" + user + "/provision"
			e["pathParameters"] = object{"customerId": user}
		}
	}
	caller := event.Event{Failures: store.FailuresPrefix + brief(sourceIP)}
	all := []operation{
		{
			name: "1 delete customer info", function: deleteInfo, change: provision(deleteInfo), says: proxied(`{"responseCode":"0","responseMessage":"","status":true}`),
			floor: func(n int) event.Event { return event.Event{User: userOf(floor, deleteInfo, n)} },
		},
		{
			name: "2 set a temporary allow", function: setAllow, says: proxied(`{"responseCode":"0","responseMessage":"","status":true}`),
			change: func(n int, e object) {
				provision(setAllow)(n, e)
				setBody(e, `{"tempAllowType":3,"expirationDate":"`+expires+`"}`)
			},
			floor: func(n int) event.Event { return event.Event{User: userOf(floor, setAllow, n), Principal: operator} },
		},
		{
			name: "3 delete a customer, 3 transactions", function: deleteCustomer,
			change: func(n int, e object) {
				setBody(e, url.Values{"user_id": {apiUser}, "user_password": {key}, "type": {"customer_delete"}, "account_id": {account}, "code": {codeOf(ours, n)}}.Encode())
			},
			says: func(n int, text string) error {
				return proxied(`<customer status="deleted"><code>`+codeOf(ours, n)+`</code></customer>`)(n, text)
			},
			floor: func(n int) event.Event {
				e, code := caller, codeOf(floor, n)
				e.Principal, e.Scope, e.Code = store.PrincipalKey(store.APIUser, apiUser), account, code
				e.Customer, e.Digest = store.CustomerKey(account, code), "1."+hash(code)
				return e
			},
		},
		{
			name: "4 clean personal data, 10 numbers", function: cleanData, says: proxied(`{"retCode":"0","retMsg":"VerifyParams success"}`),
			change: func(n int, e object) {
				body, _ := json.Marshal(object{"customNos": numbersOf(ours, n)}) // texts: it cannot fail
				setBody(e, string(body))
			},
			floor: func(n int) event.Event {
				numbers := numbersOf(floor, n)
				e := event.Event{Principal: app, Scope: tenant, Numbers: numbers, Digest: "1." + hash(numbers[0])}
				for _, number := range numbers {
					sum := sha256.Sum256([]byte(number))
					e.Digests = append(e.Digests, sum[:]...)
				}
				return e
			},
		},
		{
			name: "5 token", function: issueToken, change: func(int, object) {}, says: proxied(`"AccessToken":"`),
			floor: func(n int) event.Event {
				e := caller
				e.Principal, e.Scope, e.Token = store.PrincipalKey(store.App, app), tenant, store.PrincipalKey(store.Token, hash(fmt.Sprint("floor", n)))
				return e
			},
		},
		{
			name: "authorizer of 1 and 2, password", function: authorizeOperator, change: func(int, object) {}, says: allowed(operator), slow: true,
			note: "the floor makes the slow hash of the password too (argon2id, 19 MB, 2 passes): it is the work itself",
			floor: func(int) event.Event {
				e := caller
				e.Principal, e.Secret = store.PrincipalKey(store.Operator, operator), password
				return e
			},
		},
		{
			name: "authorizer of 4, token", function: authorizeApp, says: allowed(app),
			change: func(_ int, e object) {
				e["headers"].(object)["Authorization"] = "Bearer " + token
				e["multiValueHeaders"].(object)["Authorization"] = []string{"Bearer " + token}
			},
			floor: func(int) event.Event {
				return event.Event{Token: store.PrincipalKey(store.Token, principal.Hash(token)), Principal: store.PrincipalKey(store.App, app)}
			},
		},
	}
	for i := range all {
		text, err := os.ReadFile(filepath.Join(s.Root, "infra", "events", all[i].function+".json"))
		if err == nil {
			err = json.Unmarshal(text, &all[i].recorded)
		}
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// newToken is one of the app's, for an hour.
func newToken(ctx context.Context, stage *program.Stage) (string, error) {
	directory := principal.Directory{Principals: store.Principals{DB: stage.DynamoDB, Table: stage.Table("Principals")}, Now: time.Now}
	token, _, err := principal.Tokens{Principals: directory.Principals, Now: directory.Now}.Issue(ctx, app, tenant, time.Hour)
	return token, err
}

func setBody(e object, body string) {
	e["body"], e["isBase64Encoded"] = base64.StdEncoding.EncodeToString([]byte(body)), true
}

// proxied wants a 200 whose body holds a text.
func proxied(part string) func(int, string) error {
	return func(_ int, text string) error {
		var answer struct {
			StatusCode      int
			Body            string
			IsBase64Encoded bool
		}
		if err := json.Unmarshal([]byte(text), &answer); err != nil {
			return err
		}
		if answer.StatusCode != 200 || answer.IsBase64Encoded || !strings.Contains(answer.Body, part) {
			return fmt.Errorf("not a 200 with %s", part)
		}
		return nil
	}
}

// allowed wants a policy that lets the caller in.
func allowed(caller string) func(int, string) error {
	return func(_ int, text string) error {
		var answer struct {
			PrincipalID    string
			PolicyDocument struct{ Statement []struct{ Effect string } }
		}
		if err := json.Unmarshal([]byte(text), &answer); err != nil {
			return err
		}
		if statements := answer.PolicyDocument.Statement; answer.PrincipalID != caller || len(statements) != 1 || statements[0].Effect != "Allow" {
			return fmt.Errorf("no policy that allows %s", caller)
		}
		return nil
	}
}

func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// brief is as long as the hash that the items of failed attempts are named by.
func brief(s string) string { return hash(s)[:24] }
