package chaos

import (
	"strings"
	"testing"
	"time"

	"customercare/infra/client"
)

// refused is the answer of operation 3 about a customer who is held.
const refused = "the customer is held and cannot be deleted now, the deletion follows when the hold is released"

// ofCustomer and ofNumber are the holds of the subjects with a mark: on its first
// customer and on its first number.
func ofCustomer(mark string) string { return mark + "-customer" }
func ofNumber(mark string) string   { return mark + "-number" }

// status says whether the answer shows a hold of this status.
func status(want string) func(client.Answer) bool {
	return func(a client.Answer) bool {
		return a.Status < 300 && strings.Contains(a.Body, `"status":"`+want+`"`)
	}
}

// placings place the holds of a mark.
func placings(mark string) []request {
	return []request{
		{client.PlaceHold(ofCustomer(mark), by.Account, mark+"-0", "chaos", time.Time{}), status("active")},
		{client.PlaceHoldOfNumber(ofNumber(mark), tenant, mark+"-0", "chaos", time.Time{}), status("active")},
	}
}

// releases release the holds of a mark.
func releases(mark string) []request {
	going := func(a client.Answer) bool { return status("releasing")(a) || status("released")(a) }
	return []request{
		{client.ReleaseHold(ofCustomer(mark)), going}, {client.ReleaseHold(ofNumber(mark)), going},
	}
}

// released asks until the holds of a mark are released, and what they kept from being
// erased is asked for.
func released(mark string) []request {
	return []request{
		{client.ReadHold(ofCustomer(mark)), status("released")}, {client.ReadHold(ofNumber(mark)), status("released")},
	}
}

// kept are the items that the holds of a mark keep: of the customer all, and each copy of
// the number's contacts.
func (r *run) kept(t *testing.T, mark string) (lines []string) {
	t.Helper()
	ofCustomer, ofContacts := 0, 0
	for _, line := range r.dump(t) {
		switch {
		case strings.Contains(line, `"`+by.Account+"#"+mark+`-0"`):
			ofCustomer++
		case strings.Contains(line, `"held"`):
			ofContacts++
		default:
			continue
		}
		lines = append(lines, line)
	}
	if ofCustomer != transactions+1 || ofContacts != 2*contacts/numbers {
		t.Fatalf("%d items of the customer are held and %d copies of contacts", ofCustomer, ofContacts)
	}
	return lines
}
