package e2e

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/attribute"
	"customercare/infra/fixture"
	"customercare/infra/local/stack"
	"customercare/shared/digest"
	"customercare/shared/erasure"
	"customercare/shared/statement"
	"customercare/shared/store"
)

// heldTables are the tables of a stack, as the engine of the erasures has them, reached
// past the stack.
type heldTables struct {
	erasures  store.Erasures
	customers store.Customers
	contacts  store.Contacts
	holds     store.Holds
	digests   digest.Digester
}

func heldTablesOf(s *stack.Stack) heldTables {
	return heldTables{
		store.Erasures{DB: database, Table: s.Table("Erasures")},
		store.Customers{DB: database, Table: s.Table("Customers")},
		store.Contacts{DB: database, Table: s.Table("Contacts")},
		store.Holds{DB: database, Table: s.Table("Holds")},
		digest.Digester{Current: "1", Keys: map[string][]byte{"1": []byte("a key of these tests"), "2": []byte("another one")}},
	}
}

// place places a hold; until is when it ends, zero for never.
func (h heldTables) place(t *testing.T, id, kind, scope, subject string, until time.Time) {
	t.Helper()
	digests := h.digests.EverySubject(kind, scope, subject)
	_, _, err := erasure.NewHolder(h.erasures, h.customers, h.contacts, h.holds, erasure.Timing{}, erasure.SystemClock()).
		Place(t.Context(), store.Hold{ID: id, Kind: kind, Scope: scope, Subject: subject, Digest: digests[0],
			Reason: "court", By: "legal", Until: statement.TimeOf(until).Time}, digests, time.Now().Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
}

// holdForAWorker lets a worker meet what is held: a contact of one of its numbers that a
// hold keeps, and one with the mark of a hold that has ended.
func holdForAWorker(t *testing.T, s *stack.Stack, tenant, first string) {
	t.Helper()
	h := heldTablesOf(s)
	loadInto(t, s, fixture.Contact(tenant, "alone-kept", first, "alone-held").String())
	h.place(t, "alone", store.HoldOfNumber, tenant, "alone-held", time.Time{})
	replaceItem(t, s.Table("Holds"), item{
		"hold": attribute.Text("hold-ended"), "id": attribute.Text("ended"), "status": attribute.Text("released"),
	})
	marked := item{
		"party": attribute.Text(store.PartyKey(tenant, first)), "contact": attribute.Text("9"), "parties": attribute.Texts(first),
		"held": &types.AttributeValueMemberSS{Value: []string{"ended"}},
	}
	replaceItem(t, s.Table("Contacts"), marked)
}

// holdForCleanup leaves all that cleanup may have to do with holds: one that nobody goes
// on to place, and two whose end has come, with a refused erasure and a long list of
// numbers that wait for it.
func holdForCleanup(t *testing.T, s *stack.Stack, account, tenant string) {
	t.Helper()
	h := heldTablesOf(s)
	const code = "alone-held-code"
	loadInto(t, s, append(customerRecords(account, 1, code),
		fixture.Contact(tenant, "alone-placing", "alone-placing", "alone-peer").String())...)
	soon := time.Now().Add(time.Millisecond)
	h.place(t, "alone-customer", store.HoldOfCustomer, account, code, soon)
	intake := erasure.NewCustomerIntake(h.erasures, h.customers, h.holds, h.digests, erasure.Timing{}, erasure.SystemClock())
	_, err := intake.Customer(t.Context(), erasure.CustomerRequest{Account: account, Code: code, By: "john"}, time.Second)
	if !errors.Is(err, erasure.ErrCustomerHeld) {
		t.Fatal(err)
	}
	h.place(t, "alone-number", store.HoldOfNumber, tenant, "alone-number", soon)
	asked := store.AskedNumbers{Erasure: "20261127T101112Z-0123456789abcdef", By: "app"}
	for n := range 50 {
		number := fmt.Sprintf("alone-asked-%d", n)
		asked.Numbers = append(asked.Numbers, number)
		asked.Subjects = append(asked.Subjects, h.digests.Subject("number", tenant, number))
	}
	if err := h.holds.Ask(t.Context(), "alone-number", asked); err != nil {
		t.Fatal(err)
	}
	placing := store.Hold{ID: "alone-placing", Kind: store.HoldOfNumber, Scope: tenant, Subject: "alone-placing",
		Digest: h.digests.Subject("number", tenant, "alone-placing"), Reason: "court", By: "legal"}
	if err := h.holds.PlaceOnNumber(t.Context(), placing, time.Now()); err != nil {
		t.Fatal(err)
	}
}
