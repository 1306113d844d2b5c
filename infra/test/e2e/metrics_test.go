package e2e

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"customercare/infra/testkit/dynamotest"
	"customercare/infra/testkit/metrictest"
	"customercare/shared/metric"
	"customercare/shared/operation"
	"customercare/shared/version"
)

// Every call is one line in the log of each function that had a part in it, and counts
// there for what it was. A function is found by the name that API Gateway gave the
// request, which the caller is told as well.
func TestOneMetricLineACall(t *testing.T) {
	csr := operator(t, "csr-metrics")
	loadUsers(t, "u-metrics")
	bearer := app(t, "app-metrics", "tenant-metrics")
	openAccount(t, "metrics", 1, "code-metrics")
	path := at(bases[0], "u-metrics")
	served, faulty := metrictest.Counts(0, 0, nil), metrictest.Counts(1, 0, nil)
	refused, failed := metrictest.Counts(1, 0, 1), metrictest.Counts(0, 1, nil)
	// lines are by operation; nothing of it may be there but these.
	type lines map[string]metrictest.Line
	rows := []struct {
		what string
		do   func() reply
		want lines
	}{
		{"allow", func() reply { return send(t, "PUT", path, `{"tempAllowType":1}`, csr) },
			lines{"authorize-operator": served, "set-temporary-allow": served}},
		{"the operator is known for a while", func() reply { return send(t, "PUT", path, `{"tempAllowType":9}`, csr) },
			lines{"set-temporary-allow": faulty}},
		{"delete info", func() reply { return send(t, "DELETE", path+"?reset=true", "", csr) },
			lines{"delete-customer-info": served}},
		{"nobody's info", func() reply {
			return send(t, "DELETE", at(bases[0], "u-metrics-no")+"?reset=true", "",
				csr)
		},
			lines{"delete-customer-info": faulty}},
		{"what a user has", func() reply { return send(t, "GET", path, "", csr) }, lines{"read-provision": served}},
		{"nobody has", func() reply { return send(t, "GET", at(bases[0], "u-metrics-no"), "", csr) },
			lines{"read-provision": faulty}},
		{"use", func() reply { return send(t, "POST", path+"/use", "", csr) }, lines{"use-temporary-allow": served}},
		{"use, with a body", func() reply { return send(t, "POST", path+"/use", "x", csr) },
			lines{"use-temporary-allow": faulty}},
		{"wrong password", func() reply {
			return send(t, "PUT", path, `{"tempAllowType":1}`,
				basic("csr-metrics", "x"))
		},
			lines{"authorize-operator": refused}},
		{"no Authorization", func() reply { return send(t, "PUT", path, `{"tempAllowType":1}`) }, lines{}},
		{"busy", func() reply {
			calls.Inject(dynamotest.Throttle, 1, 1<<30)
			defer calls.Calls()
			return send(t, "DELETE", path+"?reset=true", "", csr)
		}, lines{"delete-customer-info": failed}},
		{"token", func() reply { return send(t, "POST", tokenPath, credentials("app-metrics")) },
			lines{"issue-token": served}},
		{"token, a wrong pair", func() reply {
			return send(t, "POST", tokenPath,
				`{"app_key":"app-metrics","app_secret":"x"}`)
		},
			lines{"issue-token": refused}},
		{"clean", func() reply { return clean(t, bearer, "number-metrics") },
			lines{"authorize-app": served, "clean-customer-data": served}},
		{"clean, another's key", func() reply {
			return send(t, "POST", cleanPath, `{"customNos":["number-metrics"]}`, bearer, "X-APP-Key: app-other")
		}, lines{"authorize-app": served, "clean-customer-data": refused}},
		{"clean, an unknown token", func() reply { return clean(t, "Authorization: Bearer x", "number-metrics") },
			lines{"authorize-app": refused}},
		// The status of these three is 200 alike.
		{"customer", func() reply { return send(t, "POST", "/", formOf("metrics", "code-metrics"), urlencoded) },
			lines{"delete-customer": served}},
		{"nobody", func() reply { return send(t, "POST", "/", formOf("metrics", "code-metrics-no"), urlencoded) },
			lines{"delete-customer": faulty}},
		{"a wrong key", func() reply {
			return send(t, "POST", "/", formOf("metrics", "code-metrics", "user_password", "x"), urlencoded)
		}, lines{"delete-customer": refused}},
	}
	answers, took := make([]reply, len(rows)), make([]time.Duration, len(rows))
	for i, row := range rows {
		began := time.Now()
		answers[i] = row.do()
		took[i] = time.Since(began)
	}
	operations := map[string]bool{}
	for i, row := range rows {
		t.Run(row.what, func(t *testing.T) {
			id := answers[i].Header.Get("x-amzn-RequestId")
			if id == "" {
				t.Fatal("the caller is not told the request's name")
			}
			var found []metrictest.Line
			eventually(t, "the lines", func() bool {
				found = metrictest.Lines(t, linesWith(id))
				return len(found) >= len(row.want)
			})
			if len(found) != len(row.want) {
				t.Errorf("%d lines, want %d: %v", len(found), len(row.want), found)
			}
			for _, line := range found {
				operation, _ := line[metric.Operation].(string)
				want, ok := row.want[operation]
				if !ok {
					t.Errorf("an unexpected line: %v", line)
				}
				operations[operation] = true
				line.Expect(t, want)
				line.Expect(t, metrictest.Line{"version": version.Number})
				if !strings.HasPrefix(operation, "authorize-") {
					line.Expect(t, metrictest.Line{"status": answers[i].Status})
				}
				// It is a part of what the caller waited for.
				if ms := line["Latency"].(float64); ms <= 0 || ms > float64(took[i].Milliseconds()+1) {
					t.Errorf("a latency of %v ms of %s", ms, took[i])
				}
				if lambda, _ := line["requestId"].(string); lambda == "" {
					t.Errorf("Lambda's name of the invocation is missing in %v", line)
				}
			}
		})
	}
	if all := slices.Sorted(maps.Keys(operations)); !slices.Equal(all, operation.Functions()) {
		t.Errorf("lines of %v, want those of %v", all, operation.Functions())
	}
}

// linesWith is what has been logged with this word in it.
func linesWith(word string) string {
	var found strings.Builder
	for line := range strings.Lines(logs.String()) {
		if strings.Contains(line, word) {
			found.WriteString(line)
		}
	}
	return found.String()
}

// The background tells what is open, what it finished and what it swept. All lines with
// metrics so far are in order.
func TestMetricLinesOfTheBackground(t *testing.T) {
	openAccount(t, "metrics-bg", 2, "code-metrics-bg")
	if r := send(t, "POST", "/", formOf("metrics-bg", "code-metrics-bg"),
		urlencoded); r.Body != goneXML("code-metrics-bg") {
		t.Fatal(r.Body)
	}
	bearer := app(t, "app-metrics-bg", "tenant-metrics-bg")
	loadContacts(t, "tenant-metrics-bg", contact{"c-bg", "known-bg", "peer-bg", "kept"})
	clean(t, bearer, "known-bg", "Known-bg", "known-bg ").verified(t)
	passAllWriterLifetimes(t)
	told := map[string]float64{}
	eventually(t, "lines", func() bool {
		clear(told)
		for _, line := range metrictest.Lines(t, logs.String()) {
			for _, m := range metric.All {
				if amount, ok := line[m.Name].(float64); ok && m.Dimension == "" {
					told[m.Name] = max(told[m.Name], amount)
				}
			}
		}
		return told["ItemsErased"] >= 3 && told["NumbersUnknown"] >= 2
	})
	// No test here guesses that much, and infra/test/passon has the calls that are passed
	// on.
	elsewhere := []metric.Metric{metric.CallersLockedOut, metric.CallsPassedOn, metric.PassOnFailures}
	for _, m := range metric.All {
		if _, ok := told[m.Name]; !ok && m.Dimension == "" && !slices.Contains(elsewhere, m) {
			t.Errorf("%s was never told", m.Name)
		}
	}
	for _, name := range []string{"ErasuresOpen", "OldestErasure", "ErasuresFinished"} {
		if told[name] == 0 {
			t.Errorf("%s never rose", name)
		}
	}
}
