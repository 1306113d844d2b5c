package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"customercare/infra/testkit/dynamotest"
)

// Whatever DynamoDB does, callers get a well-shaped 503 or 500 in time, which shows
// nothing of our insides; the next request is fine, in the same process; nothing is half
// done. In time is before Lambda ends the process, which is looked for in the log, before
// API Gateway answers in its own shape, while DynamoDB is as it was, and after few tries.
//
// Broken on purpose, and what caught each:
//
//	answers taken as the SDK takes them    TestFaultsOfDynamoDB (1 and 2 say done)
//	no time kept back by the authorizers   TestNearTheDeadline (a process ended)
//	no time kept back by the operations    TestNearTheDeadline (API Gateway answers)
//	no Retry-After                         TestDynamoDBIsGone
//	2 s for an attempt                     TestSlowAndHangingDynamoDB (503)

// startFaultyWarm is startFaulty with functions that have answered a round before: what
// a process needs for its first answer, which depends on what else this machine does,
// counts neither as DynamoDB's fault nor against a time limit.
func startFaultyWarm(t *testing.T, template string) *faultyStack {
	t.Helper()
	u := startFaulty(t, template)
	u.isWell(t, u.trials(t, "warm"))
	return u
}

// strike sends a round's requests while the database has the fault, and again after it.
// With done, what the fault strikes has been done all the same, otherwise no byte may
// have changed.
func (u *faultyStack) strike(t *testing.T, mark string, now databaseFault, writes, done, passes bool) {
	t.Helper()
	trials := u.trials(t, mark)
	before := u.of(t, mark)
	u.inject(now, writes)
	answers := u.all(t, trials)
	u.struck(t, mark)
	if !done {
		if changed := difference(before, u.of(t, mark)); len(changed) > 0 {
			t.Errorf("%s: changed: %s", mark, strings.Join(changed, "\n"))
		}
	}
	u.inject(nil, false)
	for i, a := range trials {
		a.fails(t, answers[i], !writes, passes)
	}
	u.isWell(t, trials)
	u.drained(t, mark)
	if t.Failed() {
		t.Fatalf("in %s", mark)
	}
}

// isWell sends the requests and wants each one's success.
func (u *faultyStack) isWell(t *testing.T, trials []trial) {
	t.Helper()
	for i, r := range u.all(t, trials) {
		if !trials[i].well(r) {
			t.Errorf("%s, all being well: %d %s", trials[i].what, r.Status, r.Body)
		}
	}
}

// drained waits until nothing but tombstones is left of what mark's requests erase. The
// next round's fault must not strike these deletions: one that is done and answered with
// a throttle, which DynamoDB never does, would not be counted.
func (u *faultyStack) drained(t *testing.T, mark string) {
	t.Helper()
	eventually(t, "everything of "+mark+" is deleted", func() bool {
		lines := dynamotest.Dump(t, database, u.Table("Customers"), u.Table("Contacts"))
		return !slices.ContainsFunc(lines, func(line string) bool {
			return strings.Contains(line, "-"+mark+"#") && !strings.Contains(line, `"tombstone":`)
		})
	})
}

// of is every item that is about a round: erasures of those before may still be going on.
func (u *faultyStack) of(t *testing.T, mark string) []string {
	about := regexp.MustCompile("-" + mark + "[^a-z-]")
	all := dynamotest.Dump(t, database, u.Table("Users"), u.Table("Customers"), u.Table("Contacts"),
		u.Table("Principals"), u.Table("Erasures"))
	return slices.DeleteFunc(all, func(line string) bool { return !about.MatchString(line) })
}

const throttled = `{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException","message":"slow down, 135****1111"}`

func TestFaultsOfDynamoDB(t *testing.T) {
	t.Parallel()
	u := startFaultyWarm(t, "")
	marks := []string{}
	for i, fault := range []struct {
		mark   string
		now    databaseFault
		passes bool // trying again may help
	}{
		{"throttle", speaks(400, amz, throttled), true},
		{"failure", speaks(500, amz, `{"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError","message":"arn:aws:dynamodb:x"}`), true},
		{"reset", reset, true},
		{"page", speaks(200, "text/html", "<html><body>Bad Gateway</body></html>"), true},
		{"half", speaks(200, amz, `{"Responses":{"Principals":[{"principal":{"S":"op`), true},
		{"empty", speaks(200, amz, ""), true},
		{"checksum", speaks(200, amz, `{}`, "X-Amz-Crc32", "1"), true},
		{"text", speaks(500, "text/plain", "goroutine 1 [running]: panic"), true},
		{"moved", speaks(302, "text/html", "", "Location", "/"), true},
		{"strange", speaks(400, amz, `{"__type":"com.amazonaws.dynamodb.v20120810#StrangeException","message":"135****1111"}`), false},
		{"forbidden", speaks(400, amz, `{"__type":"com.amazon.coral.service#AccessDeniedException","Message":"User: arn:aws:sts::1:x is not authorized"}`), false},
	} {
		if testing.Short() && i%4 != 0 {
			continue
		}
		u.strike(t, fault.mark, fault.now, false, false, fault.passes)
		u.strike(t, fault.mark+"-done", does(fault.now), true, true, fault.passes)
		marks = append(marks, fault.mark, fault.mark+"-done")
	}
	u.strike(t, "writes", speaks(400, amz, throttled), true, false, true)
	marks = append(marks, "writes")
	for _, mark := range marks {
		u.finish(t, mark)
	}
	u.lived(t)
}

// Nobody listens where DynamoDB was.
func TestDynamoDBIsGone(t *testing.T) {
	t.Parallel()
	u := startFaultyWarm(t, "")
	trials := u.trials(t, "gone")
	back := u.gone(t)
	for i, r := range u.all(t, trials) {
		trials[i].fails(t, r, true, true)
	}
	back()
	u.isWell(t, trials)
	u.finish(t, "gone")
	u.lived(t)
}

// Three seconds a call are long, but no failure: everything succeeds within its
// function's time. A DynamoDB that never answers is one, within the template's limits: 25
// s for functions, 10 s for authorizers. Both are waited for at the same time.
func TestSlowAndHangingDynamoDB(t *testing.T) {
	t.Parallel()
	u, hanging := startFaultyWarm(t, ""), startFaultyWarm(t, "")
	inVain := hanging.trials(t, "hanging")
	before := hanging.of(t, "hanging")
	hanging.inject(hang, false)
	var waiting sync.WaitGroup
	var answers []reply
	waiting.Go(func() { answers = hanging.all(t, inVain) })

	trials := u.trials(t, "slow")
	u.inject(slow, false)
	u.isWell(t, trials)
	u.struck(t, "slow")
	u.inject(nil, false)
	u.finish(t, "slow")
	u.lived(t)

	waiting.Wait() // all have answered, and DynamoDB has not
	hanging.struck(t, "hanging")
	for i, a := range inVain {
		a.fails(t, answers[i], true, true)
	}
	if changed := difference(before, hanging.of(t, "hanging")); len(changed) > 0 {
		t.Errorf("hanging: changed: %s", changed)
	}
	hanging.inject(nil, false)
	hanging.isWell(t, inVain)
	hanging.finish(t, "hanging")
	hanging.lived(t)
}

// An invocation whose time runs out says so in its operation's shape, and its process
// lives on; API Gateway does not have to say anything.
func TestNearTheDeadline(t *testing.T) {
	t.Parallel()
	template, err := os.ReadFile(filepath.Join(dynamotest.Root(), "template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	short := strings.NewReplacer("\n    Timeout: 25\n", "\n    Timeout: 5\n", "\n      Timeout: 10\n",
		"\n      Timeout: 5\n").Replace(string(template))
	if strings.Count(short, "Timeout: 5\n") != 3 {
		t.Fatal("the template has other time limits now")
	}
	file := filepath.Join(t.TempDir(), "template.yaml")
	if err := os.WriteFile(file, []byte(short), 0o644); err != nil {
		t.Fatal(err)
	}
	u := startFaultyWarm(t, file)
	u.strike(t, "hang", hang, false, false, true)
	u.strike(t, "hang-done", does(hang), true, true, true)
	u.strike(t, "stall-writes", stall, true, false, true)
	for _, mark := range []string{"hang", "hang-done", "stall-writes"} {
		u.finish(t, mark)
	}
	u.lived(t)
}
