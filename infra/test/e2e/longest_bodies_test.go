package e2e

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"
)

// inEscapes writes text as JSON may at the longest, and as System.Text.Json does with a
// "+".
func inEscapes(text string) string {
	var b strings.Builder
	for _, c := range []byte(text) { // ASCII
		fmt.Fprintf(&b, `\u%04X`, c)
	}
	return b.String()
}

// inPercents writes text as a form may at the longest.
func inPercents(text string) string {
	var b strings.Builder
	for _, c := range []byte(text) {
		fmt.Fprintf(&b, "%%%02X", c)
	}
	return b.String()
}

// Every value as long as it may be, written as long as its format allows, is within the
// bound of its operation.
func TestLongestBodies(t *testing.T) {
	csr, bearer := operator(t, "csr-longest"), app(t, "app-longest", "tenant-longest")
	loadUsers(t, "u-longest")

	t.Run("operation 2", func(t *testing.T) {
		path := at(bases[0], "u-longest")
		date := time.Now().Add(26*time.Hour).UTC().Format("2006-01-02T15:04:05.") + strings.Repeat("1", 100) + "+00:00"
		body := `{"` + inEscapes("tempAllowType") + `":3,"` + inEscapes("expirationDate") + `":"` +
			inEscapes(date) + `"}`
		send(t, "PUT", path, body, csr, bodyJSON).done(t, "json")
		references := ""
		for _, c := range []byte(date) {
			references += fmt.Sprintf("&#x%07x;", c)
		}
		send(t, "PUT", path, "<TempAllowRequest><tempAllowType>&#x0000033;</tempAllowType><expirationDate>"+references+"</expirationDate></TempAllowRequest>", csr, bodyXML).done(t, "xml")
	})
	t.Run("operation 3", func(t *testing.T) {
		user, key := strings.Repeat("u", 256), strings.Repeat("k", 255)+"1"
		account, code := strings.Repeat("longest-", 16), strings.Repeat("c", 128)
		load(t, record(map[string]any{"kind": "apiUser", "name": user, "key": key, "accounts": []string{account}}))
		addCustomers(t, account, 1, code)
		fields := url.Values{
			"user_id": {user}, "user_password": {key}, "user_api_key": {key}, "type": {"customer_delete"},
			"account_id": {account}, "code": {code},
			"output": {"JSON"}, "condensed": {"yes"}, "callback": {strings.Repeat("f", 128)},
		}
		var pairs []string
		for name, values := range fields {
			pairs = append(pairs, inPercents(name)+"="+inPercents(values[0]))
		}
		want := "/**/" + fields.Get("callback") + `({"status":"success","customer":{"status":"deleted","code":"` +
			code + `"}});`
		send(t, "POST", "/", strings.Join(pairs, "&"), urlencoded).is(t, 200, want)
		send(t, "POST", "/", partsOf(fields), multipart).is(t, 200, want)
	})
	t.Run("operation 4", func(t *testing.T) {
		var numbers []string
		for i := range 1000 {
			numbers = append(numbers, `"`+inEscapes(fmt.Sprintf("+%0127d", i))+`"`)
		}
		const indent = "\r\n                "
		body := "{\r\n        \"" + inEscapes("customNos") + "\" : [" + indent + strings.Join(numbers,
			" ,"+indent) + "\r\n        ]\r\n}\r\n"
		if len(body) < 768_000 {
			t.Fatalf("%d bytes are not the longest", len(body))
		}
		loadContacts(t, "tenant-longest", contact{"c-longest", fmt.Sprintf("+%0127d", 999), "peer", "asked for"},
			contact{"d-longest", "other", "peer", "kept"})
		send(t, "POST", cleanPath, body, bearer, bodyJSON).verified(t)
		if got := subjects(t, finished(t, "tenant-longest", 1)[0]); got != 1000 {
			t.Errorf("%d numbers on record", got)
		}
		if left := filed(t, "tenant-longest"); len(left) != 2 || !strings.Contains(left[0], "kept") {
			t.Errorf("left: %s", left)
		}
	})
	t.Run("operation 5", func(t *testing.T) {
		key, secret := strings.Repeat("a", 256), strings.Repeat("s", 255)+"1"
		load(t, record(map[string]any{"kind": "app", "name": key, "secret": secret, "tenantId": "tenant-longest"}))
		body := `{"` + inEscapes("app_key") + `":"` + inEscapes(key) + `","` + inEscapes("app_secret") + `":"` +
			inEscapes(secret) + `"}`
		if r := send(t, "POST", tokenPath, body, bodyJSON); r.Status != 200 || !strings.Contains(r.Body, key) {
			t.Errorf("%d %s", r.Status, r.Body)
		}
	})
}
