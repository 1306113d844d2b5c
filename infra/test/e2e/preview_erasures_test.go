package e2e

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"customercare/infra/client"
	"customercare/shared/operation"
)

// TestPreviewThenErasure: over HTTP, with the deployed rights, an app and an API user are
// told what their erasures then find; and nobody else is told anything.
func TestPreviewThenErasure(t *testing.T) {
	t.Parallel()
	const account, tenant = "account-preview", "tenant-preview"
	openAccount(t, account, 5, "code-preview-1", "code-preview-2")
	user := basic(userOf(account), keyOf(account))
	bearer, foreign := app(t, "app-preview", tenant), app(t, "app-preview2", "tenant-preview2")
	csr := operator(t, "csr-preview")
	load(t, scoped("reader-preview", operation.ReadErasures))
	loadContacts(t, tenant, contact{"c1", "n1-preview", "n2-preview", "hi"}, contact{"c2", "n2-preview", "n3-preview", "hi"})
	ask := func(r client.Request, caller string) reply {
		return send(t, r.Method, r.Path, r.Body, append(r.Headers, caller)...)
	}
	before := dump(t, "-preview")
	found := func(r client.Request, caller string) (sum int64) {
		t.Helper()
		var seen struct{ Found map[string]int64 }
		got := ask(r, caller)
		if err := json.Unmarshal([]byte(got.Body), &seen); err != nil || got.Status != 200 {
			t.Fatalf("%d %s", got.Status, got.Body)
		}
		for _, n := range seen.Found {
			sum += n
		}
		return sum
	}
	customer := client.PreviewCustomer(account, "code-preview-1")
	numbers := client.PreviewNumbers(tenant, "n1-preview", "n3-preview")
	if n := found(customer, user); n != 6 {
		t.Errorf("the API user is told of %d items", n)
	}
	if found(customer, csr) != 6 || found(numbers, csr) != 2 || found(numbers, bearer) != 2 {
		t.Error("the operator or the app is told another number")
	}
	if !slices.Equal(before, dump(t, "-preview")) {
		t.Error("a preview has written")
	}
	for caller, request := range map[string]client.Request{
		user: numbers, bearer: customer, foreign: numbers, basic("reader-preview", "password of reader-preview"): customer,
	} {
		if got := ask(request, caller); got.Status != 403 && got.Status != 401 || strings.Contains(got.Body, "found") {
			t.Errorf("%d %s", got.Status, got.Body)
		}
	}
	// A wrong secret is counted: the one write that the function may make.
	if got := ask(customer, basic(userOf(account), "wrong")); got.Status != 401 {
		t.Errorf("a wrong key: %d %s", got.Status, got.Body)
	}
	clean(t, bearer, "n1-preview", "n3-preview").verified(t)
	eventually(t, "the erasure that the preview names, or its end", func() bool { return found(numbers, bearer) == 0 })
}
