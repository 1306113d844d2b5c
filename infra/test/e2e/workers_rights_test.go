package e2e

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/repr"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"customercare/infra/attribute"
	"customercare/infra/client"
	"customercare/infra/fixture"
	"customercare/infra/local/stack"
	"customercare/infra/local/template"
	"customercare/infra/testkit/dynamotest"
	"customercare/infra/testkit/provisiontest"
	"customercare/shared/store"
)

// Each of the two functions that work on erasures needs every right that its role gives
// it. On the stack that all tests share, chance says which of the two takes a job up.
// Here one of them is alone with jobs of both kinds in their last pass, and does all that
// a worker may have to do: it puts a tombstone back, erases a late transaction and a late
// contact, reads a list of numbers that is too long to stand in its job, removes the
// handover of a call that joined, puts back a record that somebody has removed, and
// leaves what a hold keeps. For cleanup there are an expired allow and holds that are
// due.
func TestEachWorkerUsesItsRights(t *testing.T) {
	resources, err := template.Resources(filepath.Join(dynamotest.Root(), "template.yaml"), nil)
	if err != nil {
		t.Fatal(err)
	}
	cleanup, err := os.ReadFile(filepath.Join(dynamotest.Root(), "infra", "events", "cleanup.json"))
	if err != nil {
		t.Fatal(err)
	}
	for folder, events := range map[string]func(open []item) [][]byte{
		"cleanup": func([]item) [][]byte { return [][]byte{cleanup} },
		"continue-erasure": func(open []item) (events [][]byte) {
			for _, job := range open {
				events = append(events, handedOver(job))
			}
			return events
		},
	} {
		t.Run(folder, func(t *testing.T) {
			s := startUnscheduled(t, "alone", func(o *stack.Options) {
				o.Parameters = maps.Clone(o.Parameters)
				o.Parameters["AllowSweepMinutes"] = "1" // each run of cleanup sweeps all users
			})
			replaceItem(t, s.Table("Users"), provisiontest.User("alone-user"))
			waitInLastPass(t, s)
			holdForAWorker(t, s, "alone-tenant", "alone-number-2")
			if folder == "cleanup" {
				holdForCleanup(t, s, "alone-account", "alone-tenant")
			}
			used := used.on(strings.TrimSuffix(s.Table("Users"), "Users"))
			open := openJobs(t, s)
			for _, job := range open {
				if attribute.ReadNumber(job, "passes") > 0 { // the one of numbers, which a call has joined
					job["requests"] = attribute.Number(2)
					replaceItem(t, s.Table("Erasures"), job)
				} else { // the customer's, whose record is gone
					remove(t, s.Table("Erasures"), item{"erasureId": attribute.Text("erasure-" + attribute.ReadText(job, "id"))})
				}
				elapse(t, s.Table("Erasures"), job)
			}
			for _, event := range events(open) {
				if _, err := s.Invoke(t.Context(), folder, event); err != nil {
					t.Fatal(err)
				}
			}
			// What waited for a release is open by now, and a hold keeps the rest.
			open = slices.DeleteFunc(openJobs(t, s), func(job item) bool { return job["because"] != nil })
			if len(open) != 0 {
				t.Errorf("%d erasures are open: %s", len(open), repr.String(open))
			}
			left := dynamotest.Dump(t, database, s.Table("Customers"), s.Table("Contacts"))
			left = slices.DeleteFunc(left, func(line string) bool {
				return strings.Contains(line, `"held"`) || strings.Contains(line, "alone-held-code")
			})
			if len(left) != 0 {
				t.Errorf("left: %s", left)
			}
			f, _ := s.Template.Function(folder)
			for _, difference := range used.compareOne(f, rightsOf(resources, f)) {
				t.Error(difference)
			}
		})
	}
}

// waitInLastPass opens an erasure of a customer and one of many numbers, and leaves them
// when only their last passes are missing, which begin long after. Meanwhile writers that
// ask no condition have written a customer over the tombstone, a transaction and a
// contact.
func waitInLastPass(t *testing.T, s *stack.Stack) {
	t.Helper()
	const account, code, tenant, appName = "alone-account", "alone-code", "alone-tenant", "alone-app"
	numbers := make([]string, 50) // with their digests more than fits into a job
	for n := range numbers {
		numbers[n] = fmt.Sprintf("alone-number-%d", n)
	}
	late := fixture.Contact(tenant, "alone-contact", numbers[0], numbers[1]).String()
	loadInto(t, s, append(customerRecords(account, 2, code),
		fixture.APIUser(userOf(account), keyOf(account), account).String(),
		fixture.App(appName, secretOf(appName), tenant).String())...)

	if r := sendTo(t, s.URL, "POST", "/", formOf(account, code), urlencoded); r.Body != goneXML(code) {
		t.Fatal(r.Body)
	}
	bearer, err := sendTo(t, s.URL, "POST", tokenPath, credentials(appName)).Token()
	if err != nil {
		t.Fatal(err)
	}
	r := client.CleanCustomerData(numbers...).Bearer(bearer)
	sendTo(t, s.URL, r.Method, r.Path, r.Body, r.Headers...).verified(t)
	eventually(t, "the first pass over the numbers is over", func() bool {
		return slices.ContainsFunc(openJobs(t, s), func(job item) bool {
			return attribute.ReadNumber(job, "passes") == 1 && job["leaseOwner"] == nil
		})
	})
	put(t, s.Table("Customers"), map[string]string{"customer": store.CustomerKey(account, code),
		"record": store.CustomerRecord, "name": "written over it"})
	put(t, s.Table("Customers"), map[string]string{"customer": store.CustomerKey(account, code),
		"record": "txn#late#1", "note": "late"})
	loadInto(t, s, late)
}

// openJobs are the open erasures of a stack.
func openJobs(t *testing.T, s *stack.Stack) []item {
	t.Helper()
	return scan(t, s.Table("Erasures"), "attribute_exists(openShard)")
}

// handedOver is the event with which the ledger's stream starts a worker on the job.
func handedOver(job item) []byte {
	return fmt.Appendf(nil, `{"Records":[{"eventName":"INSERT","eventSource":"aws:dynamodb","dynamodb":`+
		`{"Keys":{"erasureId":{"S":%q}},"SequenceNumber":"1"}}]}`,
		"handover-"+attribute.ReadText(job, "erasureId"))
}

// remove deletes an item.
func remove(t *testing.T, table string, key item) {
	t.Helper()
	if _, err := database.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &table, Key: key}); err != nil {
		t.Fatal(err)
	}
}
