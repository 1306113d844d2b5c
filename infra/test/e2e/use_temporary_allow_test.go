package e2e

import (
	"fmt"
	"sync"
	"testing"
)

// A single login lets in once, and an allow that lasts any number of times, in both
// formats under both paths.
func TestUseTemporaryAllowInBothFormatsUnderBothPaths(t *testing.T) {
	csr := operator(t, "csr-use")
	loadUsers(t, "u-use")
	_, date := soon()
	yes := func(format, kind, once string) string {
		if format == "xml" {
			return inXML("<allowed>true</allowed><tempAllowType>" + kind + "</tempAllowType><expirationDate>" + date +
				"</expirationDate><singleUse>" + once + "</singleUse>")
		}
		return inJSON(`"allowed":true,"tempAllowType":` + kind + `,"expirationDate":"` + date + `","singleUse":` + once)
	}
	no := map[string]string{"json": inJSON(`"allowed":false`), "xml": inXML("<allowed>false</allowed>")}
	for _, base := range bases {
		path := at(base, "u-use")
		use := path + "/use"
		for format, header := range map[string]string{"json": acceptJSON, "xml": acceptXML} {
			set := func(kind string) {
				send(t, "PUT", path, `{"tempAllowType":`+kind+`,"expirationDate":"`+date+`"}`, csr).done(t, "json")
			}
			send(t, "DELETE", path+"?cancelAllTemporaryAllows=true", "", csr).done(t, "json")
			send(t, "POST", use, "", csr, header).is(t, 200, no[format])
			set("1")
			send(t, "POST", use, "{}", csr, header).is(t, 200, yes(format, "1", "true"))
			send(t, "POST", use+"/", "", csr, header).is(t, 200, no[format])
			set("1") // again: a new single login
			set("3") // which goes first
			for range 2 {
				send(t, "POST", use, " ", csr, header).is(t, 200, yes(format, "3", "false"))
			}
			send(t, "DELETE", path+"?cancelAllTemporaryAllows=true", "", csr).done(t, "json")
			send(t, "POST", use, "", csr, header).is(t, 200, no[format])
			send(t, "POST", at(base, "u-use-nobody")+"/use", "", csr, header).refused(t, 404, format, "Customer ID not found")
			send(t, "POST", use, `{"tempAllowType":3}`, csr, header).refused(t, 400, format, "body")
			for _, method := range []string{"GET", "PUT", "DELETE", "PATCH", "OPTIONS", "post"} {
				r := send(t, method, use, "", csr, header)
				r.refused(t, 405, format, "POST")
				if r.Header.Get("Allow") != "POST" {
					t.Errorf("%s: Allow is %q", method, r.Header.Get("Allow"))
				}
			}
		}
		send(t, "POST", use, "", basic("csr-use", "x")).is(t, 401, unauthorizedJSON)
		if got := send(t, "POST", use+"/x", "", csr); got.Status != 404 {
			t.Errorf("%d %s", got.Status, got.Body)
		}
	}
}

// Of a hundred simultaneous calls over HTTP, by both paths, one gets the single login.
func TestOneOfAHundredIsLetIn(t *testing.T) {
	t.Parallel()
	csr := operator(t, "csr-hundred")
	loadUsers(t, "u-hundred")
	send(t, "PUT", at(bases[0], "u-hundred"), `{"tempAllowType":1}`, csr).done(t, "json")
	const callers = 100
	answers := make([]string, callers)
	var all sync.WaitGroup
	for i := range callers {
		all.Go(func() {
			r := sendTo(t, running.URL, "POST", at(bases[i%2], "u-hundred")+"/use", "", csr)
			answers[i] = fmt.Sprint(r.Status, len(r.Body) > 80)
		})
	}
	all.Wait()
	counts := map[string]int{}
	for _, answer := range answers {
		counts[answer]++
	}
	if counts["200 true"] != 1 || counts["200 false"] != callers-1 {
		t.Errorf("answers by status, and whether they let in: %v", counts)
	}
}
