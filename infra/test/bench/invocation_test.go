package bench_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"time"

	"customercare/infra/client"
	"customercare/shared/operation"
)

// Who calls, and from where: as in infra/events.
const (
	operator, password = "csr", "csr-demo-password"
	sourceIP           = "192.0.2.1"
	warmTransactions   = 3  // of each customer
	warmNumbers        = 10 // in each call that cleans
)

// invocation is one function and what it is called with: an event of infra/events, in
// which each call is about somebody of its own.
type invocation struct {
	name, function string
	slow           bool
	request        func(who string) client.Request // nil: the event is as it is but for its token
	says           func(who string) string         // is in every right answer's body; nil: an authorizer
	token, caller  string                          // an authorizer's: what comes, and whom it lets in
	password       string                          // whose slow hash the floor makes too
	example        object                          // the event
}

type object = map[string]any

// whom is whom the nth call of a side is about.
func whom(side string, n int) string                   { return fmt.Sprintf("%s-%06d", side, n) }
func userOf(of operation.Operation, who string) string { return "bench-" + of.Name + "-" + who }
func codeOf(who string) string                         { return "4711" + who }
func numbersOf(who string) (all []string) {
	for i := range warmNumbers {
		all = append(all, fmt.Sprintf("135%s-%02d", who, i))
	}
	return all
}

// event is the call about who as API Gateway would make it.
func (i invocation) event(who string) ([]byte, error) {
	e := maps.Clone(i.example)
	if i.request != nil {
		r := i.request(who)
		e["path"], _, _ = strings.Cut(r.Path, "?")
		if r.Body != "" {
			e["body"], e["isBase64Encoded"] = base64.StdEncoding.EncodeToString([]byte(r.Body)), true
		}
		if r.Operation.Caller == operation.Operator {
			e["pathParameters"] = object{"customerId": userOf(r.Operation, who)}
		}
	}
	if i.token != "" {
		e["headers"].(object)["Authorization"] = "Bearer " + i.token
		e["multiValueHeaders"].(object)["Authorization"] = []string{"Bearer " + i.token}
	}
	return json.Marshal(e)
}

// newInvocations are what to measure; token is one of the app's.
func newInvocations(root, token string) ([]invocation, error) {
	expires := time.Now().Add(48 * time.Hour).Truncate(time.Second)
	done := func(string) string { return client.Done(client.JSON).Body }
	all := []invocation{
		{
			name: "1 delete customer info", function: operation.DeleteCustomerInfo.Name, says: done,
			request: func(who string) client.Request {
				return client.DeleteCustomerInfo(userOf(operation.DeleteCustomerInfo, who), "unregisterDevices=true")
			},
		},
		{
			name: "2 set a temporary allow", function: operation.SetTemporaryAllow.Name, says: done,
			request: func(who string) client.Request {
				allow := client.Allow{Type: "3", Expires: expires}
				return client.SetTemporaryAllow(userOf(operation.SetTemporaryAllow, who), allow, client.JSON)
			},
		},
		{
			name: "3 delete a customer, 3 transactions", function: operation.DeleteCustomer.Name,
			request: func(who string) client.Request { return deletion(codeOf(who)) },
			says:    func(who string) string { return client.Deleted(client.XML, codeOf(who)).Body },
		},
		{
			name: "4 clean personal data, 10 numbers", function: operation.CleanCustomerData.Name,
			request: func(who string) client.Request { return client.CleanCustomerData(numbersOf(who)...) },
			says:    func(string) string { return client.Cleaned.Body },
		},
		{
			name: "5 token", function: operation.IssueToken.Name,
			request: func(string) client.Request { return client.IssueToken(app, secret) },
			says:    func(string) string { return `"AccessToken":"` },
		},
		{
			name: "authorizer of 1 and 2, password", function: operation.SetTemporaryAllow.Authorizer,
			slow: true, caller: operator, password: password,
		},
		{
			name: "authorizer of 4, token", function: operation.CleanCustomerData.Authorizer,
			token: token, caller: app,
		},
	}
	for i := range all {
		name := filepath.Join(root, "infra", "events", all[i].function+".json")
		text, err := os.ReadFile(name)
		if err == nil {
			err = json.Unmarshal(text, &all[i].example)
		}
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// right is an error for every answer that is not that of a call that did what it should.
func (i invocation) right(who string, answer []byte) error {
	var said struct {
		StatusCode        int
		Body, PrincipalID string
		IsBase64Encoded   bool
		PolicyDocument    struct{ Statement []struct{ Effect string } }
	}
	err := json.Unmarshal(answer, &said)
	right := i.says != nil && said.StatusCode == 200 && !said.IsBase64Encoded &&
		strings.Contains(said.Body, i.says(who))
	if policy := said.PolicyDocument.Statement; i.says == nil {
		right = said.PrincipalID == i.caller && len(policy) == 1 && policy[0].Effect == "Allow"
	}
	if err != nil || !right {
		return fmt.Errorf("%s answers %.300s", i.function, answer)
	}
	return nil
}
