package e2e

import (
	"strings"
	"testing"

	"github.com/alecthomas/repr"
	"golang.org/x/mod/sumdb/note"

	"customercare/infra/client"
	"customercare/shared/operation"
	"customercare/shared/receipt"
	"customercare/shared/statement"
)

// From the call that erases over its Link to a receipt that verifies, as whoever asked
// for it, and nobody else but an operator.
func TestFromTheCallToTheReceipt(t *testing.T) {
	t.Parallel()
	bearer, foreign := app(t, "app-receipt", "tenant-receipt"), app(t, "app-receipt2", "tenant-receipt2")
	csr := operator(t, "csr-receipt")
	accepted := clean(t, bearer, "number-receipt-1", "number-receipt-2")
	accepted.verified(t)
	path, rest, _ := strings.Cut(strings.TrimPrefix(accepted.Header.Get("Link"), "<"), ">")
	if rest != `; rel="status"` {
		t.Fatalf("the Link is %q", accepted.Header.Get("Link"))
	}
	id := strings.TrimPrefix(path, "/erasures/")
	ask := func(r client.Request, caller string) reply {
		return send(t, r.Method, r.Path, r.Body, append(r.Headers, caller)...)
	}
	for _, caller := range []string{bearer, csr} {
		if got := ask(client.Read(operation.ReadErasure, id), caller); got.Status != 200 || !strings.Contains(got.Body, id) {
			t.Errorf("status: %d %s", got.Status, got.Body)
		}
	}
	unknown := strings.Repeat("0", len(id)-len("T000000Z-0000000000000000")) + "T000000Z-0000000000000000"
	theirs, nobodys := ask(client.Read(operation.ReadErasure, id), foreign), ask(client.Read(operation.ReadErasure, unknown), foreign)
	if theirs.Status != 404 || theirs.Body != nobodys.Body || theirs.Status != nobodys.Status {
		t.Errorf("a foreign id: %d %s; an unknown one: %d %s", theirs.Status, theirs.Body, nobodys.Status, nobodys.Body)
	}
	if got := ask(client.Read(operation.ReadErasure, id), basic("csr-receipt", "x")); got.Status != 401 {
		t.Errorf("a wrong password: %d %s", got.Status, got.Body)
	}
	if got := ask(client.Read(operation.ListErasures, ""), csr); got.Status != 200 || !strings.Contains(got.Body, `"erasures":[`) {
		t.Errorf("list: %d %s", got.Status, got.Body)
	}

	var sealed reply
	eventually(t, "the receipt of the acceptance", func() bool {
		sealed = ask(client.ReadReceiptFor(id, "number-receipt-1"), bearer)
		return sealed.Status == 200
	})
	key := ask(client.Read(operation.ReadLogKey, ""), bearer)
	verifier, err := note.NewVerifier(strings.TrimSpace(key.Body))
	if err != nil {
		t.Fatalf("%s: %v", key.Body, err)
	}
	verified, err := receipt.Verify([]byte(sealed.Body), note.VerifierList(verifier))
	if err != nil || verified.Statement.ID != id || verified.Statement.Type != statement.Accepted ||
		verified.Subject == nil || verified.Subject.Subject != "number#tenant-receipt#number-receipt-1" {
		t.Errorf("%s, %v\n%s", repr.String(verified), err, sealed.Body)
	}
	altered := strings.Replace(sealed.Body, "index ", "index 1", 1)
	if _, err := receipt.Verify([]byte(altered), note.VerifierList(verifier)); err == nil {
		t.Error("an altered receipt is taken")
	}
}
