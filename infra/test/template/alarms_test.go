package template

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// pages are the alarms that somebody should look at now. The others are tickets.
var pages = []string{"ServerErrors", "AuthorizeOperatorErrors", "OldestErasureAlarm", "LedgerRefusedAlarm", "QuietAlarm"}

// Every alarm, as a sentence that says all that makes it sound: with what is missing
// taken for well (or for bad), what over how long, how often.
func TestAlarms(t *testing.T) {
	const bad = " missing:breaching"
	want := map[string]string{
		"ServerErrors": "AWS/ApiGateway 5XXError ApiName=customercare Stage=v1 Sum > 5 in 300 s, 1 of 1",
		"QuietAlarm":   "AWS/ApiGateway Count ApiName=customercare Stage=v1 Sum LessThanThreshold 1 in 60 s, 30 of 30" + bad,
		"SlowAnswers":  "AWS/ApiGateway Latency ApiName=customercare Stage=v1 p99 > 5000 in 300 s, 3 of 3",
		"AuthorizeOperatorErrors": "errors - FILL(refusals, 0) > 5, 2 of 3; errors = AWS/Lambda Errors FunctionName=AuthorizeOperatorFunction Sum in 300 s; " +
			"refusals = customercare CallerErrors Operation=authorize-operator Sum Count in 300 s",
		"ContinueErasureAge": "AWS/Lambda IteratorAge FunctionName=ContinueErasureFunction Maximum Milliseconds > 300000 in 60 s, 5 of 5",
		// What of the list could not be read must not silence it.
		"OldestErasureAlarm": "IF(unlisted > 0, 900 + 1, oldest) > 900, 3 of 3; oldest = customercare OldestErasure Maximum Seconds in 60 s; " +
			"unlisted = customercare ErasuresUnlisted Maximum Count in 60 s" + bad,
		// A run that could not keep how far it came says nothing.
		"SweepBehindAlarm":      "customercare SweepBehind Maximum Seconds > 3600 in 3600 s, 1 of 1" + bad,
		"HoldsFailingAlarm":     "customercare HoldsFailing Maximum Count > 0 in 60 s, 5 of 5",
		"FailingErasuresAlarm":  "customercare ErasuresFailing Maximum Count > 0 in 60 s, 5 of 5",
		"UnworkedErasuresAlarm": "AWS/SQS ApproximateNumberOfMessagesVisible QueueName=arn:aws:sqs:us-east-1:123456789012:UnworkedErasures/QueueName Maximum > 0 in 60 s, 1 of 1",
		// A run that could not read the whole index says no age.
		"RetentionBehindAlarm":  "customercare RetentionBehind Maximum Seconds > 3600 in 3600 s, 3 of 3" + bad,
		"RetentionFailingAlarm": "customercare RetentionFailing Maximum Count > 0 in 3600 s, 2 of 2",
		"UnsealedLedgerAlarm":   "customercare OldestUnsealed Maximum Seconds > 600 in 60 s, 3 of 3" + bad,
		"LedgerRefusedAlarm":    "customercare LedgerRefused Maximum Count > 0 in 60 s, 1 of 1",
		"LedgerUnreadableAlarm": "customercare LedgerUnreadable Maximum Count > 0 in 60 s, 3 of 3",
		"PassOnFailuresAlarm":   "customercare PassOnFailures Sum Count > 5 in 300 s, 1 of 1",
		"LockoutsAlarm":         "customercare CallersLockedOut Sum Count > 0 in 300 s, 1 of 1",
	}
	for _, f := range functions(t) {
		base := strings.TrimSuffix(f.ID, "Function")
		for _, metric := range []string{"Errors", "Throttles"} {
			limit, times := "0", "1 of 1"
			switch base + metric {
			case "AuthorizeOperatorErrors":
				continue // above
			case "CleanupErrors", "SealLedgerErrors":
				limit = "2" // each run does what the one before left
			case "ContinueErasureThrottles":
				times = "3 of 3" // the stream waits and tries again
			}
			want[base+metric] = fmt.Sprintf("AWS/Lambda %s FunctionName=%s Sum > %s in 300 s, %s", metric, f.ID,
				limit, times)
		}
	}
	for _, a := range ofType(t, "AWS::CloudWatch::Alarm") {
		if got := sounds(a.Properties); got != want[a.ID] {
			t.Errorf("%s sounds when\n  %s\nwant\n  %s", a.ID, got, want[a.ID])
		}
		delete(want, a.ID)
		tells := "[Tickets]"
		if slices.Contains(pages, a.ID) {
			tells = "[Alarms]"
		}
		for _, actions := range []string{"AlarmActions", "OKActions"} {
			if fmt.Sprint(a.Properties[actions]) != tells {
				t.Errorf("%s tells %v, want %s", a.ID, a.Properties[actions], tells)
			}
		}
		if a.Properties["AlarmDescription"] == nil || a.Properties["ActionsEnabled"] != nil {
			t.Errorf("%s does not say what it means, or is switched off", a.ID)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(want)) {
		t.Errorf("there is no alarm %s: %s", id, want[id])
	}
}

// Who is written to: tickets go to the address of alarms where they have none, and nobody
// is where nobody is named.
func TestMails(t *testing.T) {
	const both = "Alarms email to alarms@example.com, Tickets email to "
	for _, c := range []struct{ alarms, tickets, want string }{
		{"", "", ""},
		{"alarms@example.com", "", both + "alarms@example.com"},
		{"alarms@example.com", "tickets@example.com", both + "tickets@example.com"},
		{"", "tickets@example.com", "Tickets email to tickets@example.com"},
	} {
		var got []string
		for _, r := range read(t, map[string]string{"AlarmEmail": c.alarms, "TicketEmail": c.tickets}) {
			if p := r.Properties; r.Type == "AWS::SNS::Subscription" {
				got = append(got, fmt.Sprintf("%v %v to %v", p["TopicArn"], p["Protocol"], p["Endpoint"]))
			}
		}
		slices.Sort(got)
		if strings.Join(got, ", ") != c.want {
			t.Errorf("with %q and %q: %v, want %s", c.alarms, c.tickets, got, c.want)
		}
	}
}

// The budget tells the tickets, whose policy lets it, and alarms still, and nobody else.
func TestBudget(t *testing.T) {
	parts := map[string]map[string]any{}
	for _, r := range read(t, rails) {
		parts[r.ID] = r.Properties
	}
	tells := func(kind, percent string) any {
		return map[string]any{
			"Notification": map[string]any{"NotificationType": kind, "ComparisonOperator": "GREATER_THAN",
				"Threshold": percent, "ThresholdType": "PERCENTAGE"},
			"Subscribers": []any{map[string]any{"SubscriptionType": "SNS", "Address": "Tickets"}},
		}
	}
	if got, want := parts["Budget"], (map[string]any{
		"Budget": map[string]any{"BudgetName": "customercare-us-east-1", "BudgetType": "COST", "TimeUnit": "MONTHLY",
			"BudgetLimit": map[string]any{"Amount": rails["MonthlyBudget"], "Unit": "USD"}},
		"NotificationsWithSubscribers": []any{tells("ACTUAL", "80"), tells("FORECASTED", "100")},
	}); !reflect.DeepEqual(got, want) {
		t.Errorf("%v\nwant %v", got, want)
	}
	publishes := func(service string, condition map[string]any) any {
		return map[string]any{"Effect": "Allow", "Principal": map[string]any{"Service": service},
			"Action": "sns:Publish", "Resource": "Tickets", "Condition": condition}
	}
	if got, want := parts["TicketsPolicy"], (map[string]any{
		"Topics": []any{"Tickets"},
		"PolicyDocument": map[string]any{"Version": "2012-10-17", "Statement": []any{
			publishes("cloudwatch.amazonaws.com", map[string]any{
				"ArnLike": map[string]any{"aws:SourceArn": "arn:aws:cloudwatch:us-east-1:123456789012:alarm:*"}}),
			publishes("budgets.amazonaws.com", map[string]any{
				"StringEquals": map[string]any{"aws:SourceAccount": "123456789012"},
				"ArnLike":      map[string]any{"aws:SourceArn": "arn:aws:budgets::123456789012:*"}}),
		}},
	}); !reflect.DeepEqual(got, want) {
		t.Errorf("%v\nwant %v", got, want)
	}
	for _, r := range read(t, nil) {
		if r.ID == "Budget" || r.ID == "TicketsPolicy" || r.ID == "QuietAlarm" {
			t.Errorf("%s is there though nobody has asked for it", r.ID)
		}
	}
}

// The topics are outputs, for subscribers of the company's own.
func TestTopicsAreOutputs(t *testing.T) {
	for _, parameters := range []map[string]string{nil, rails} {
		_, outputs := front(t, parameters)
		if outputs["AlarmsTopic"] != "Alarms" || outputs["TicketsTopic"] != "Tickets" {
			t.Errorf("%v", outputs)
		}
	}
}

// sounds puts an alarm into words. Its formula's parts come in their order.
func sounds(p map[string]any) string {
	var words, parts []string
	add := func(value any) {
		if value != nil {
			words = append(words, fmt.Sprint(value))
		}
	}
	metric := func(in any, stat, unit any) {
		add(at(in, "Namespace"))
		add(at(in, "MetricName"))
		dimensions, _ := at(in, "Dimensions").([]any)
		for _, d := range dimensions {
			add(fmt.Sprint(at(d, "Name"), "=", at(d, "Value")))
		}
		add(stat)
		add(unit)
	}
	formula, _ := p["Metrics"].([]any)
	if p["MetricName"] != nil {
		stat := p["Statistic"]
		if stat == nil {
			stat = p["ExtendedStatistic"]
		}
		metric(p, stat, p["Unit"])
	}
	for _, m := range formula {
		stat := at(m, "MetricStat")
		if stat == nil {
			add(at(m, "Expression"))
			continue
		}
		before := words
		words = []string{fmt.Sprint(at(m, "Id")), "="}
		metric(at(stat, "Metric"), at(stat, "Stat"), at(stat, "Unit"))
		if at(m, "ReturnData") != false {
			add("and sounds by itself")
		}
		parts = append(parts, fmt.Sprint("; ", strings.Join(words, " "), " in ", at(stat, "Period"), " s"))
		words = before
	}
	comparison := fmt.Sprint(p["ComparisonOperator"])
	if comparison == "GreaterThanThreshold" {
		comparison = ">"
	}
	add(comparison)
	add(p["Threshold"])
	if p["Period"] != nil {
		add(fmt.Sprint("in ", p["Period"], " s"))
	}
	times := p["DatapointsToAlarm"]
	if times == nil {
		times = p["EvaluationPeriods"]
	}
	line := fmt.Sprintf("%s, %v of %v%s", strings.Join(words, " "), times, p["EvaluationPeriods"],
		strings.Join(parts, ""))
	if missing := p["TreatMissingData"]; missing != "notBreaching" {
		line += fmt.Sprint(" missing:", missing)
	}
	return line
}
