package upgrade

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"customercare/infra/attribute"
	"customercare/infra/client"
	"customercare/infra/local/stack"
	"customercare/infra/testkit/dynamotest"
	"customercare/shared/operation"
	"customercare/shared/retention"
	"customercare/shared/store"
)

// numbered says whether an item carries the number of its schema: those of the tables
// that only this product writes, but for counts of wrong secrets.
func numbered(table string, item attribute.Item) bool {
	switch table {
	case "Users", "Customers", "Contacts":
		return false
	}
	return !strings.HasPrefix(attribute.ReadText(item, "principal"), store.FailuresPrefix)
}

// withoutNumbers takes the numbers away.
func (all stored) withoutNumbers() {
	for table, items := range all {
		for _, item := range items {
			if numbered(table, item) {
				delete(item, store.SchemaAttribute)
			}
		}
	}
}

// newer is a number that only a newer version writes.
var newer = fmt.Sprint(store.Schema + 1)

// raised makes an item in the table a newer version's, or an own one again.
func (s aStack) raised(table string, item attribute.Item, number string) {
	s.t.Helper()
	key := attribute.Item{}
	for _, name := range []string{"principal", "erasureId", "hold", "part", "rule"} {
		if item[name] != nil && len(key) == 0 {
			key[name] = item[name]
		}
	}
	_, err := s.DynamoDB().UpdateItem(s.t.Context(), &dynamodb.UpdateItemInput{
		TableName: aws.String(s.Table(table)), Key: key, UpdateExpression: aws.String("SET v = :v"),
		ExpressionAttributeValues: attribute.Item{":v": attribute.Digits(number)},
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// runs waits until each function that a schedule starts has run so often again.
func (s aStack) runs(times int) {
	s.t.Helper()
	ends := []string{`"cleaned up"`, `"LeavesSealed"`, `"RetentionErased"`} // in the last line of a run
	counts := func() (n []int) {
		text := s.log.String()
		for _, end := range ends {
			n = append(n, strings.Count(text, end))
		}
		return n
	}
	before := counts()
	s.eventually("the scheduled functions run", func() bool {
		for i, n := range counts() {
			if n < before[i]+times {
				return false
			}
		}
		return true
	})
}

// expired is a principal that the rule of the test takes.
const expired = "apiUser#expired"

// withRule adds a rule of retention that is on, and what it takes, to the items.
func withRule(t *testing.T, s *stack.Stack) {
	t.Helper()
	rules := store.Rules{DB: s.DynamoDB(), Table: s.Table("Rules")}
	err := rules.KeepRule(t.Context(), store.RuleSet{}, retention.Standing{
		Rule:  retention.Rule{Name: "expired", What: retention.Principals, Days: 1},
		State: retention.On, SetBy: "somebody", YesBy: "somebody", Version: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.DynamoDB().PutItem(t.Context(), &dynamodb.PutItemInput{
		TableName: aws.String(s.Table("Principals")), Item: store.Stamp(attribute.Item{
			"principal": attribute.Text(expired), "hashes": attribute.Texts("none"),
			"validUntil": attribute.Number(time.Now().AddDate(-1, 0, 0).Unix()),
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
}

// What a newer version has written is left alone by all of this one: nothing of it is
// changed or deleted, no erasure of it is said to be over, nobody whom it holds is
// erased, and a call that needs it is told to try again. When it is this version's again
// everything ends as if nothing had been.
func TestNewerItems(t *testing.T) {
	items, known, receipt := written(t, slow)
	for table, all := range items {
		for _, item := range all {
			if is := attribute.ReadNumber(item, store.SchemaAttribute) == store.Schema; is != numbered(table, item) {
				t.Errorf("%s: the number of %v is not right", table, encodeAll(item))
			}
		}
	}
	for _, item := range items["Erasures"] {
		if item["openShard"] != nil {
			item["dueAt"] = attribute.Number(time.Now().UnixMilli()) // nobody waits for what is slow
		}
	}
	callers := map[string]attribute.Item{}
	s := started(t, "upgrade-"+rand.Text()+"-", quick, func(s *stack.Stack) {
		items.load(t, s)
		withRule(t, s)
		all := aStack{Stack: s, t: t}
		items = storedIn(t, s)
		for table, those := range items {
			for _, item := range those {
				kind, name, _ := strings.Cut(attribute.ReadText(item, "principal"), "#")
				switch {
				case !numbered(table, item):
				case strings.HasSuffix(name, "-kept"): // so that calls come as far as what they need
					callers[kind] = item
				default:
					all.raised(table, item, newer)
				}
			}
		}
	})
	dropped(t, s.Stack)
	raised := storedIn(t, s.Stack)
	for table, those := range raised {
		for i := len(those) - 1; i >= 0; i-- {
			if attribute.ReadNumber(those[i], store.SchemaAttribute) <= store.Schema {
				those = append(those[:i:i], those[i+1:]...)
			}
		}
		raised[table] = those
	}
	heldJob := s.areToldToTryAgain(known)
	s.runs(5)
	s.unchanged(raised)
	if body := s.read(operation.ReadErasure, heldJob).Body; !strings.Contains(body, `"status":"erasing"`) {
		t.Errorf("an erasure of who is held: %s", body)
	}
	if len(s.customer("held")) != 3 || len(s.filed("c-held")) != 2 {
		t.Errorf("of who is held: %v, %v", s.customer("held"), s.filed("c-held"))
	}
	if !strings.Contains(s.log.String(), "left to the newer version") {
		t.Error("no line of the log says that anything is left to the newer version")
	}
	s.letsNobodyIn(callers)
	for table, those := range raised {
		for _, item := range those {
			s.raised(table, item, fmt.Sprint(store.Schema))
		}
	}
	s.sealed(heldJob, "accepted")
	s.goesOn(known, receipt)
	s.eventually("the rule takes what it is about", func() bool {
		for _, item := range dynamotest.Items(t, s.DynamoDB(), s.Table("Principals")) {
			if attribute.ReadText(item, "principal") == expired {
				return false
			}
		}
		return true
	})
}

// areToldToTryAgain makes every call that meets an item of a newer version. It gives the
// id of the one erasure that is accepted, of a number under such a hold.
func (s aStack) areToldToTryAgain(known facts) (id string) {
	s.t.Helper()
	for _, id := range []string{known.Customer, known.Numbers, known.OpenCustomer, known.OpenNumbers} {
		for _, route := range []operation.Route{operation.ReadErasure, operation.ReadReceipt} {
			s.triesAgain(http.StatusServiceUnavailable, client.Read(route, id).As(csr.name, csr.password))
		}
	}
	for _, r := range []client.Request{
		client.Read(operation.ReadLogKey, ""), client.Read(operation.ReadCheckpoint, ""), client.Read(operation.ListErasures, ""),
		client.ReadHold("hold-customer"), client.ReadHold("hold-released"), client.ReleaseHold("hold-number"),
		client.PlaceHold("hold-customer", john.Account, "held", "a lawsuit", time.Time{}),
		client.PlaceHold("hold-more", john.Account, "held", "a lawsuit", time.Time{}),
		client.PlaceHoldOfNumber("hold-more", tenant, "n-stays", "a lawsuit", time.Time{}),
		client.PreviewCustomer(john.Account, "held"), client.PreviewNumbers(tenant, "n-held"),
		{Operation: operation.HoldErasures, Method: operation.ListHolds.Method, Path: operation.ListHolds.Path},
	} {
		s.triesAgain(http.StatusServiceUnavailable, r.As(csr.name, csr.password))
	}
	for _, code := range []string{"open", "erased", "held"} {
		s.triesAgain(http.StatusServiceUnavailable, client.DeleteCustomer(john, code))
	}
	token := s.token()
	s.triesAgain(http.StatusInternalServerError, // operation 4 knows no other
		client.CleanCustomerData(manyNumbers()...).Bearer(token).With("X-APP-Key: "+app.name))
	return s.erases(client.CleanCustomerData("n-held").Bearer(token).With("X-APP-Key: " + app.name))
}

// triesAgain sends a request that is answered with this status, and not with anything
// that could be taken for what was asked for.
func (s aStack) triesAgain(status int, r client.Request) {
	s.t.Helper()
	answer := s.send(status, r)
	for _, word := range []string{`"erased"`, "deleted", "is held", "success"} {
		if strings.Contains(answer.Body, word) {
			s.t.Errorf("%s %s: %s", r.Method, r.Path, answer)
		}
	}
}

// unchanged looks that items stand in their tables as they were.
func (s aStack) unchanged(raised stored) {
	s.t.Helper()
	now := map[string]bool{}
	for table, items := range storedIn(s.t, s.Stack) {
		for _, item := range items {
			now[line(s.t, table, item)] = true
		}
	}
	kinds := map[string]int{}
	for table, items := range raised {
		for _, item := range items {
			kinds[table+"/"+kind(table, item)]++
			if !now[line(s.t, table, item)] {
				s.t.Errorf("changed or gone: %s", line(s.t, table, item))
			}
		}
	}
	if len(kinds) < 25 {
		s.t.Errorf("%d kinds of items only: %v", len(kinds), kinds)
	}
}

func line(t *testing.T, table string, item attribute.Item) string {
	t.Helper()
	text, err := json.Marshal(encodeAll(item))
	if err != nil {
		t.Fatal(err)
	}
	return table + " " + string(text)
}

// letsNobodyIn makes the callers a newer version's, one after the other: nobody is let
// in, and a right secret is not taken for a wrong one.
func (s aStack) letsNobodyIn(callers map[string]attribute.Item) {
	s.t.Helper()
	before := s.failures()
	for kind, request := range map[string]struct {
		status int
		call   client.Request
	}{
		store.Operator: {http.StatusServiceUnavailable, client.ReadProvision("u-kept").As(csr.name, csr.password)},
		store.APIUser:  {http.StatusServiceUnavailable, client.DeleteCustomer(john, "stays")},
		store.App:      {http.StatusInternalServerError, client.IssueToken(app.name, app.secret)},
	} {
		s.raised("Principals", callers[kind], newer)
		s.triesAgain(request.status, request.call)
		s.raised("Principals", callers[kind], fmt.Sprint(store.Schema))
	}
	token := client.CleanCustomerData("n-other").Bearer(s.token()).With("X-APP-Key: " + app.name)
	for _, item := range dynamotest.Items(s.t, s.DynamoDB(), s.Table("Principals")) {
		if strings.HasPrefix(attribute.ReadText(item, "principal"), store.Token+"#") {
			s.raised("Principals", item, newer)
		}
	}
	s.triesAgain(http.StatusServiceUnavailable, token)
	if !reflect.DeepEqual(before, s.failures()) {
		s.t.Errorf("a right secret was counted: %v, before %v", s.failures(), before)
	}
}

// failures are the counts of wrong secrets.
func (s aStack) failures() (counts []attribute.Item) {
	s.t.Helper()
	for _, item := range dynamotest.Items(s.t, s.DynamoDB(), s.Table("Principals")) {
		if strings.HasPrefix(attribute.ReadText(item, "principal"), store.FailuresPrefix) {
			counts = append(counts, maps.Clone(item))
		}
	}
	return counts
}
