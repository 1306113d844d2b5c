package bench

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"time"

	"customercare/infra/client"
	"customercare/infra/fixture"
	"customercare/shared/operation"
	"customercare/shared/principal"
	"customercare/shared/store"
)

// Who calls, and from where: as in infra/events.
const (
	operator, password = "csr", "csr-demo-password"
	sourceIP           = "192.0.2.1"
	warmTransactions   = 3  // of each customer
	warmNumbers        = 10 // in each call that cleans
)

// invocation is one function and what it is called with: an event of infra/events, in
// which the nth call of either side is about somebody of its own.
type invocation struct {
	ran            *programs
	name, function string
	slow           bool
	request        func(n int) client.Request // of the call; nil: the event is as it is but for its token
	token          string
	floor          func(n int) object // what the floor has to do, see infra/bench/floor/warm
	says           func(n int) string // is in every right answer's body; nil: an authorizer
	caller         string             // whom the authorizer lets in
	recorded       object             // the event
}

type object = map[string]any

// event is the nth call as API Gateway would make it.
func (i invocation) event(n int) ([]byte, error) {
	e := maps.Clone(i.recorded)
	if i.request != nil {
		r := i.request(n)
		e["path"], _, _ = strings.Cut(r.Path, "?")
		if r.Body != "" {
			e["body"], e["isBase64Encoded"] = base64.StdEncoding.EncodeToString([]byte(r.Body)), true
		}
		if i.request(n).Operation.Caller == operation.Operator {
			e["pathParameters"] = object{"customerId": userOf(oursSide, i.function, n)}
		}
	}
	if i.token != "" {
		e["headers"].(object)["Authorization"] = "Bearer " + i.token
		e["multiValueHeaders"].(object)["Authorization"] = []string{"Bearer " + i.token}
	}
	return json.Marshal(e)
}

func (i invocation) floorEvent(n int) ([]byte, error) {
	e := i.floor(n)
	e["Operation"] = i.function
	return json.Marshal(e)
}

func userOf(side, function string, n int) string {
	return fmt.Sprintf("bench-%s-%s-%06d", side, function, n)
}
func codeOf(side string, n int) string { return fmt.Sprintf("4711%s%08d", side, n) }
func warmNumbersOf(side string, n int) (all []string) {
	for i := range warmNumbers {
		all = append(all, fmt.Sprintf("135%s%06d%02d", side, n, i))
	}
	return all
}

// invocations puts who calls, and whom so many calls are about, into the tables, and
// gives what to measure.
func (p *programs) invocations(ctx context.Context, root string, calls int) ([]invocation, error) {
	deleteInfo, setAllow := operation.DeleteCustomerInfo.Name, operation.SetTemporaryAllow.Name
	records := append(erasers(), fixture.Operator(operator, password))
	for _, side := range []string{oursSide, theFloorSide} {
		for n := range calls {
			records = append(records, fixture.User(userOf(side, deleteInfo, n)))
			records = append(records, fixture.User(userOf(side, setAllow, n)))
			records = append(records, fixture.CustomerWith(account, codeOf(side, n), warmTransactions)...)
		}
	}
	if err := fixture.Load(ctx, p.DynamoDB(), fixture.Tables(p.Table), records...); err != nil {
		return nil, err
	}
	principals := store.Principals{DB: p.DynamoDB(), Table: p.Table("Principals")}
	token, _, err := principal.Tokens{Principals: principals, Now: time.Now}.Issue(ctx, app, tenant, time.Hour)
	if err != nil {
		return nil, err
	}
	all := append(provisions(deleteInfo, setAllow), erasures()...)
	all = append(all, callers(token)...)
	for i := range all {
		text, err := os.ReadFile(filepath.Join(root, "infra", "events", all[i].function+".json"))
		if err == nil {
			err = json.Unmarshal(text, &all[i].recorded)
		}
		if err != nil {
			return nil, err
		}
		all[i].ran = p
	}
	return all, nil
}

// provisions are operations 1 and 2.
func provisions(deleteInfo, setAllow string) []invocation {
	expires := time.Now().Add(48 * time.Hour).Truncate(time.Second)
	done := func(int) string { return client.Done(client.JSON).Body }
	return []invocation{
		{
			name: "1 delete customer info", function: deleteInfo, says: done,
			request: func(n int) client.Request {
				return client.DeleteCustomerInfo(userOf(oursSide, deleteInfo, n), "unregisterDevices=true")
			},
			floor: func(n int) object { return object{"User": userOf(theFloorSide, deleteInfo, n)} },
		},
		{
			name: "2 set a temporary allow", function: setAllow, says: done,
			request: func(n int) client.Request {
				allow := client.Allow{Type: "3", Expires: expires}
				return client.SetTemporaryAllow(userOf(oursSide, setAllow, n), allow, client.JSON)
			},
			floor: func(n int) object {
				return object{"User": userOf(theFloorSide, setAllow, n), "Principal": operator}
			},
		},
	}
}

// erasures are operations 3 and 4.
func erasures() []invocation {
	return []invocation{
		{
			name: "3 delete a customer, 3 transactions", function: operation.DeleteCustomer.Name,
			request: func(n int) client.Request { return deletion(codeOf(oursSide, n)) },
			says:    func(n int) string { return client.Deleted(client.XML, codeOf(oursSide, n)).Body },
			floor: func(n int) object {
				code := codeOf(theFloorSide, n)
				return object{
					"Failures": failures, "Principal": store.PrincipalKey(store.APIUser, apiUser), "Scope": account,
					"Code": code, "Customer": store.CustomerKey(account, code), "Digest": "1." + hash(code),
				}
			},
		},
		{
			name: "4 clean personal data, 10 numbers", function: operation.CleanCustomerData.Name,
			request: func(n int) client.Request { return client.CleanCustomerData(warmNumbersOf(oursSide, n)...) },
			says:    func(int) string { return client.Cleaned.Body },
			floor: func(n int) object {
				numbers := warmNumbersOf(theFloorSide, n)
				var digests []byte
				for _, number := range numbers {
					sum := sha256.Sum256([]byte(number))
					digests = append(digests, sum[:]...)
				}
				return object{
					"Principal": app, "Scope": tenant, "Numbers": numbers,
					"Digest": "1." + hash(numbers[0]), "Digests": digests,
				}
			},
		},
	}
}

// callers are operation 5 and the authorizers.
func callers(token string) []invocation {
	return []invocation{
		{
			name: "5 token", function: operation.IssueToken.Name,
			request: func(int) client.Request { return client.IssueToken(app, secret) },
			says:    func(int) string { return `"AccessToken":"` },
			floor: func(n int) object {
				return object{
					"Failures": failures, "Principal": store.PrincipalKey(store.App, app), "Scope": tenant,
					"Token": store.PrincipalKey(store.Token, hash(fmt.Sprint("floor", n))),
				}
			},
		},
		{
			name: "authorizer of 1 and 2, password", function: operation.SetTemporaryAllow.Authorizer,
			slow: true, caller: operator,
			floor: func(int) object {
				by := store.PrincipalKey(store.Operator, operator)
				return object{"Failures": failures, "Principal": by, "Secret": password}
			},
		},
		{
			name: "authorizer of 4, token", function: operation.CleanCustomerData.Authorizer, token: token, caller: app,
			floor: func(int) object {
				of := store.PrincipalKey(store.Token, principal.Hash(token))
				return object{"Token": of, "Principal": store.PrincipalKey(store.App, app)}
			},
		},
	}
}

// failures is the key of the failed attempts from sourceIP.
var failures = store.FailuresPrefix + hash(sourceIP)[:24]

func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// right is an error for every answer that is not that of a call that did what it should.
func (i invocation) right(n int, answer []byte) error {
	var said struct {
		StatusCode        int
		Body, PrincipalID string
		IsBase64Encoded   bool
		PolicyDocument    struct{ Statement []struct{ Effect string } }
	}
	err := json.Unmarshal(answer, &said)
	right := i.says != nil && said.StatusCode == 200 && !said.IsBase64Encoded && strings.Contains(said.Body, i.says(n))
	if policy := said.PolicyDocument.Statement; i.says == nil {
		right = said.PrincipalID == i.caller && len(policy) == 1 && policy[0].Effect == "Allow"
	}
	if err != nil || !right {
		return fmt.Errorf("%s answers %.300s", i.function, answer)
	}
	return nil
}
