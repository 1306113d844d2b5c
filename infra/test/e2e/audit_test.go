package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"customercare/infra/testkit/dynamotest"
	"customercare/shared/operation"
)

// auditLine is what the tests read of an audit line.
type auditLine struct {
	Msg, Operation, Principal, Kind, Did, Subject, Outcome, APIRequestID, RequestID string
	Erasure, Reason, Ticket, Omitted                                                string

	Status, Subjects int
}

// auditLines are the audit lines of a log, by API Gateway's name of the request.
func auditLines(log string) map[string][]auditLine {
	all := map[string][]auditLine{}
	for line := range strings.Lines(log) {
		_, text, _ := strings.Cut(line, ": ")
		var read auditLine
		if json.Unmarshal([]byte(text), &read) == nil && read.Msg == "audit" {
			all[read.APIRequestID] = append(all[read.APIRequestID], read)
		}
	}
	return all
}

// audited looks at every call that an operation has answered in the whole suite: the
// served ones have exactly one audit line, the others one at most, and each line has the
// outcome and the status of its call.
func audited(log string) (faults []string) {
	lines := auditLines(log)
	for line := range strings.Lines(log) {
		_, text, _ := strings.Cut(line, ": ")
		var call struct {
			Msg, Operation, APIRequestID string

			Status, CallerErrors, ServiceErrors int
		}
		if json.Unmarshal([]byte(text), &call) != nil || call.Msg != "answered" || call.APIRequestID == "" ||
			!slices.ContainsFunc(operation.Audited(), func(o operation.Operation) bool { return o.Name == call.Operation }) {
			continue
		}
		mine := lines[call.APIRequestID]
		served := call.CallerErrors+call.ServiceErrors == 0
		wrong := len(mine) > 1 || served && len(mine) != 1
		for _, l := range mine {
			wrong = wrong || l.Operation != call.Operation || l.Status != call.Status ||
				(l.Outcome == "served") != served || (l.Outcome == "failed") != (call.ServiceErrors == 1)
		}
		if wrong {
			faults = append(faults, fmt.Sprintf("%d lines %+v of %s", len(mine), mine, line))
		}
	}
	return faults
}

// callers finds the names of callers in audit lines, which stand there on purpose.
var callers = regexp.MustCompile(`("msg":"audit","version":"[^"]+","operation":"[a-z-]+",)"principal":"(?:[^"\\\\]|\\\\.)*"`)

// withoutCallers is a log without the names of callers in audit lines.
func withoutCallers(log string) string { return callers.ReplaceAllString(log, "$1") }

// Who did what to whom, and with which outcome: each call of each operation, also those
// that are refused after the caller is known.
func TestAuditOfEachOperation(t *testing.T) {
	csr := operator(t, "csr-audit")
	load(t, scoped("csr-audit-narrow", operation.DeleteCustomerInfo))
	narrow := basic("csr-audit-narrow", "password of csr-audit-narrow")
	loadUsers(t, "u-audit-user")
	bearer := app(t, "app-audit", "tenant-audit")
	openAccount(t, "audit", 1, "code-audit")
	path := at(bases[0], "u-audit-user")
	until, date := soon()
	elsewhere := until.In(time.FixedZone("", 3600)).Format(time.RFC3339Nano)
	const reason, ticket = "X-Erasure-Reason: asked by phone", "X-Erasure-Ticket: CASE-17"
	digests := map[string]bool{}
	for _, row := range []struct {
		what string
		do   func() reply
		want auditLine
	}{
		{"allow", func() reply {
			return send(t, "PUT", path, `{"tempAllowType":3,"expirationDate":"`+elsewhere+`"}`, csr, reason, ticket)
		},
			auditLine{Principal: "csr-audit", Did: "allow 3 until " + date, Outcome: "served", Subjects: 1, Reason: "asked by phone", Ticket: "CASE-17"}},
		{"read", func() reply { return send(t, "GET", path, "", csr, ticket) },
			auditLine{Principal: "csr-audit", Did: "provision read", Outcome: "served", Subjects: 1, Ticket: "CASE-17"}},
		{"in force", func() reply { return send(t, "POST", path+"/use", "", csr) },
			auditLine{Principal: "csr-audit", Did: "allow 3 in force until " + date, Outcome: "served", Subjects: 1}},
		{"not theirs to use", func() reply { return send(t, "POST", path+"/use", "", narrow) },
			auditLine{Principal: "csr-audit-narrow", Outcome: "refused", Subjects: 1}},
		{"not theirs to read", func() reply { return send(t, "GET", path, "", narrow) },
			auditLine{Principal: "csr-audit-narrow", Outcome: "refused", Subjects: 1}},
		{"no such allow", func() reply { return send(t, "PUT", path, `{"tempAllowType":9}`, csr) },
			auditLine{Principal: "csr-audit", Outcome: "faulty", Subjects: 1}},
		{"not theirs", func() reply { return send(t, "PUT", path, `{"tempAllowType":1}`, narrow) },
			auditLine{Principal: "csr-audit-narrow", Outcome: "refused", Subjects: 1}},
		{"reset", func() reply {
			return send(t, "DELETE", path+"?reset=true", "", csr, "X-Erasure-Reason: u-audit-user asked")
		},
			auditLine{Principal: "csr-audit", Did: "questions reset", Outcome: "served", Subjects: 1, Omitted: "reason names the subject"}},
		{"other method", func() reply { return send(t, "POST", path, "", csr) },
			auditLine{Principal: "csr-audit", Outcome: "faulty", Subjects: 1}},
		{"throttled", func() reply {
			calls.Inject(dynamotest.Throttle, 1, 1<<30)
			defer calls.Calls()
			return send(t, "DELETE", path+"?unregisterDevices=true", "", csr)
		}, auditLine{Principal: "csr-audit", Did: "devices unregistered", Outcome: "failed", Subjects: 1}},
		{"customer", func() reply { return send(t, "POST", "/", formOf("audit", "code-audit"), urlencoded, ticket) },
			auditLine{Did: "customer deleted", Outcome: "served", Subjects: 1, Ticket: "CASE-17"}},
		{"nobody", func() reply { return send(t, "POST", "/", formOf("audit", "code-audit-no"), urlencoded) },
			auditLine{Did: "customer deleted", Outcome: "faulty", Subjects: 1}},
		{"foreign account", func() reply {
			return send(t, "POST", "/", formOf("audit", "code-audit", "account_id", "audit-no"), urlencoded)
		},
			auditLine{Did: "customer deleted", Outcome: "refused", Subjects: 1}},
		{"clean", func() reply { return clean(t, bearer, "number-audit-1", "number-audit-2") },
			auditLine{Principal: "app-audit", Did: "numbers erased", Outcome: "served", Subjects: 2}},
		{"another's key", func() reply {
			return send(t, "POST", cleanPath, `{"customNos":["number-audit-1"]}`, bearer, "X-APP-Key: app-other")
		}, auditLine{Principal: "app-audit", Outcome: "refused"}},
		{"token", func() reply { return send(t, "POST", tokenPath, credentials("app-audit")) },
			auditLine{Principal: "app-audit", Did: "token issued for 600 s", Outcome: "served"}},
	} {
		got := row.do()
		id := got.Header.Get("x-amzn-RequestId")
		var found []auditLine
		eventually(t, row.what, func() bool { found = auditLines(linesWith(id))[id]; return len(found) > 0 })
		l := found[0]
		if len(found) != 1 || l.Did != row.want.Did || l.Outcome != row.want.Outcome || l.Subjects != row.want.Subjects ||
			l.Reason != row.want.Reason || l.Ticket != row.want.Ticket || l.Omitted != row.want.Omitted ||
			l.Status != got.Status || l.Principal == "" || row.want.Principal != "" && l.Principal != row.want.Principal ||
			len(strings.Fields(l.Subject)) != l.Subjects || l.RequestID == "" {
			t.Errorf("%s: %+v", row.what, found)
		}
		for _, digest := range strings.Fields(l.Subject) {
			digests[digest] = true
		}
		accepted := l.Outcome == "served" && (l.Operation == operation.CleanCustomerData.Name || l.Operation == operation.DeleteCustomer.Name)
		link := got.Header.Get("Link")
		if accepted != (l.Erasure != "") || accepted && link != "</erasures/"+l.Erasure+`>; rel="status"` || !accepted && link != "" {
			t.Errorf("%s: the answer links to %q, the erasure is %q", row.what, link, l.Erasure)
		}
	}
	// One user, a customer in two accounts and another code, two numbers.
	if len(digests) != 6 {
		t.Errorf("%d subjects: %v", len(digests), slices.Sorted(maps.Keys(digests)))
	}
	// Nobody is known, so there is no line.
	for _, got := range []reply{
		send(t, "POST", "/", formOf("audit", "code-audit", "user_password", "x"), urlencoded),
		send(t, "POST", tokenPath, `{"app_key":"app-audit","app_secret":"x"}`),
		send(t, "PUT", path, `{"tempAllowType":1}`, basic("csr-audit", "x")),
	} {
		id := got.Header.Get("x-amzn-RequestId")
		eventually(t, "the other lines", func() bool { return strings.Contains(linesWith(id), `"answered"`) })
		if found := auditLines(linesWith(id))[id]; len(found) > 0 {
			t.Errorf("%+v", found)
		}
	}
}
