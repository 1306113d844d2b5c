package e2e

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/attribute"
	"customercare/infra/local/stack"
	"customercare/infra/local/template"
	"customercare/infra/testkit/dynamotest"
	"customercare/shared/retention"
	"customercare/shared/store"
)

// The function of the rules, in the deployed form, takes what is old of each kind, uses
// each right that its role has, and no other.
func TestRetentionUsesItsRights(t *testing.T) {
	resources, err := template.Resources(filepath.Join(dynamotest.Root(), "template.yaml"), nil)
	if err != nil {
		t.Fatal(err)
	}
	event, err := os.ReadFile(filepath.Join(dynamotest.Root(), "infra", "events", "apply-retention.json"))
	if err != nil {
		t.Fatal(err)
	}
	s := startUnscheduled(t, "retention", func(o *stack.Options) {
		o.Secrets = map[string]string{"DigestKeys": `{"1":"a-key-of-these-tests-0123456789abcdef","2":"another-key-of-these-tests-0123456789"}`}
	})
	const days = 800
	at := time.Now().AddDate(0, 0, -days).Add(-time.Hour)
	old := attribute.Number(at.UnixMilli())
	put := func(table string, items ...item) {
		for _, i := range items {
			replaceItem(t, s.Table(table), i)
		}
	}
	contact := func(number, id string, parties ...string) item {
		return item{"party": attribute.Text(store.PartyKey("old", number)), "contact": attribute.Text(store.ContactKey(at, id)),
			"parties": attribute.Texts(parties...)}
	}
	marked := contact("4", "marked", "4")
	marked["held"] = &types.AttributeValueMemberSS{Value: []string{"over"}}
	for _, code := range []string{"operator", "apiUser", "app"} {
		put("Principals", item{"principal": attribute.Text(code + "#old"), "validUntil": attribute.Number(at.Unix())})
	}
	put("Contacts", contact("1", "a", "1", "2"), contact("2", "a", "1", "2"), marked,
		// Filed again and again, so that whichever is read first names one that does not
		// name it.
		contact("5", "b", "5", "6"), contact("6", "b", "6", "7"), contact("7", "b", "7", "5"))
	put("Holds", item{"hold": attribute.Text("hold-over"), "id": attribute.Text("over"), "status": attribute.Text("released")})
	put("Users", item{"customerId": attribute.Text("idle"), "activeAt": old})
	put("Customers", item{"customer": attribute.Text("old#1"), "record": attribute.Text(store.TransactionRecord("c", "1")),
		"data": attribute.Map(item{"at": attribute.Text(at.UTC().Format(time.RFC3339))})})
	put("Customers", item{"customer": attribute.Text("old#2"), "record": attribute.Text(store.CustomerRecord), "activeAt": old})
	for n := range 30 { // young, so that only the customer's erasure takes them
		put("Customers", item{"customer": attribute.Text("old#2"), "record": attribute.Text(store.TransactionRecord("c", strconv.Itoa(n))),
			"data": attribute.Map(item{"at": attribute.Text(time.Now().UTC().Format(time.RFC3339))})})
	}
	put("Erasures", item{"erasureId": attribute.Text("erasure-old"), "kind": attribute.Text("customer"), "subjects": attribute.Texts("1.ab"),
		"statement": attribute.Text("{}"), "finishedAt": old, "endSealedAt": old},
		item{"erasureId": attribute.Text(store.CustomerJob("1.ab")), "record": attribute.Text("erasure-old")})
	rules := store.Rules{DB: database, Table: s.Table("Rules")}
	for _, what := range []retention.What{
		retention.Contacts, retention.Transactions, retention.Users, retention.Principals, retention.Records,
		retention.Customers,
	} {
		set, err := rules.ReadRules(t.Context())
		if err == nil {
			err = rules.KeepRule(t.Context(), set, retention.Standing{
				Rule: retention.Rule{Name: string(what), What: what, Days: days}, State: retention.On, Version: 1,
			})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	used := used.on(strings.TrimSuffix(s.Table("Users"), "Users"))
	if _, err := s.Invoke(t.Context(), "apply-retention", event); err != nil {
		t.Fatal(err)
	}
	tombstones := 0
	for _, line := range dynamotest.Dump(t, database, s.Table("Contacts"), s.Table("Customers"), s.Table("Users")) {
		switch {
		case strings.Contains(line, `"tombstone"`):
			tombstones++
		case !strings.Contains(line, `"old#2"`): // whose erasure is open
			t.Errorf("left: %s", line)
		}
	}
	opened := strings.Join(dynamotest.Dump(t, database, s.Table("Erasures")), "\n")
	if tombstones != 1 || !strings.Contains(opened, `"requestedBy":{"Value":"retention:customers"}`) {
		t.Errorf("%d tombstones; %s", tombstones, opened)
	}
	for _, line := range dynamotest.Dump(t, database, s.Table("Erasures"), s.Table("Principals")) {
		if strings.Contains(line, "erasure-old") || strings.Contains(line, "#old") {
			t.Errorf("left: %s", line)
		}
	}
	f, _ := s.Template.Function("apply-retention")
	for _, difference := range used.compareOne(f, rightsOf(resources, f)) {
		if !strings.Contains(difference, "secretsmanager:") { // the keys are read once, at the start
			t.Error(difference)
		}
	}
}
