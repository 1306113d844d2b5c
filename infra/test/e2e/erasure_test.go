package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// shop loads an API user and customers of an account of the test's own. Every text of a customer holds "mark-<code>".
func shop(t testing.TB, account string, codes ...string) (form string) {
	t.Helper()
	records := []string{fmt.Sprintf(`{"kind":"apiUser","name":"user-of-%s","key":"key-of-%s-0123456789abcdef","accounts":["%s"]}`, account, account, account)}
	for _, code := range codes {
		records = append(records, fmt.Sprintf(`{"kind":"customer","accountId":"%s","code":"%s","name":"Name mark-%s","email":"mark-%s@example.com","phone":"+49 mark-%s","cardNumber":"card mark-%s"}`, account, code, code, code, code, code))
		for i := range 60 {
			records = append(records, fmt.Sprintf(`{"kind":"transaction","accountId":"%s","code":"%s","campaignId":"campaign-%d","transactionId":"t%d-mark-%s","at":"2026-01-02T03:04:05Z","amount":"12.50"}`, account, code, i%3, i, code))
		}
	}
	load(t, records...)
	return fmt.Sprintf("type=customer_delete&account_id=%s&user_id=user-of-%s&user_password=key-of-%s-0123456789abcdef", account, account, account)
}

const urlencoded = "Content-Type: application/x-www-form-urlencoded"

func TestDeletedCustomerIsGoneEverywhere(t *testing.T) {
	form := shop(t, "e1", "4711001", "4711002", "47110010")
	others := func() []string {
		return slices.DeleteFunc(dump(t, "e1#"), func(line string) bool { return strings.Contains(line, `e1#4711001"`) })
	}
	before := others()
	for _, try := range []string{"first", "repeat at once"} {
		r := send(t, "POST", "/", form+"&code=4711001", urlencoded)
		want := `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n" +
			`<response status="success"><customer status="deleted"><code>4711001</code></customer></response>`
		if r.Status != 200 || r.Body != want {
			t.Fatalf("%s: %d %s", try, r.Status, r.Body)
		}
	}
	if left := dump(t, "mark-4711001"); len(left) != 0 && !onlyLonger(left, "mark-4711001", "mark-47110010") {
		t.Errorf("left after the answer: %s", left)
	}
	// The tombstone and the job stay until no writer can be late any more; then no string of the customer is left.
	settle(t, "e1")
	if left := dump(t, `4711001"`); len(left) != 0 {
		t.Errorf("a trace of the code: %s", left)
	}
	if after := others(); !slices.Equal(before, after) {
		t.Errorf("other customers changed:\n%s\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
	}
	records := slices.DeleteFunc(dump(t, `"erasure-`), func(line string) bool { return !strings.Contains(line, `"scope":{"Value":"e1"}`) })
	if len(records) != 1 || !strings.Contains(records[0], `"deleted":{"Value":"61"}`) || !strings.Contains(records[0], `"found":{"Value":"61"}`) {
		t.Errorf("records: %s", records)
	}
	if r := send(t, "POST", "/api.php", form+"&code=4711001&output=JSON&condensed=yes", urlencoded); r.Body != `{"status":"success","customer":{"status":"deleted","code":"4711001"}}` {
		t.Errorf("a repeat after the end: %s", r.Body)
	}
}

func onlyLonger(lines []string, marker, longer string) bool {
	for _, line := range lines {
		if strings.Count(line, marker) != strings.Count(line, longer) {
			return false
		}
	}
	return true
}
