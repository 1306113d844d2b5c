package stack

import (
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/repr"

	"customercare/infra/local/lambda"
	"customercare/infra/local/template"
)

// Each schedule sends what EventBridge is documented to send ("Amazon EventBridge events
// detail reference"), as the file has it; only the id is another, and the rule's name,
// which CloudFormation makes longer.
func TestSchedulesSendTheirEvents(t *testing.T) {
	real, err := template.Load("../../../template.yaml", nil)
	if err != nil || len(real.Schedules) != 3 {
		t.Fatalf("%s, %v", repr.String(real), err)
	}
	for _, schedule := range real.Schedules {
		at := slices.IndexFunc(real.Functions, func(f lambda.Function) bool { return f.Name == schedule.Function })
		sendsItsEvent(t, schedule, real.Functions[at].Folder)
	}
}

// sendsItsEvent compares the event of a schedule with the file of its function.
func sendsItsEvent(t *testing.T, schedule template.Schedule, folder string) {
	t.Helper()
	raw, err := os.ReadFile("../../events/" + folder + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var want, got map[string]any
	if err := json.Unmarshal(raw, &want); err != nil {
		t.Fatal(err)
	}
	at, err := time.Parse(time.RFC3339, want["time"].(string))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(scheduledEvent(schedule, at, "us-east-1"), &got); err != nil {
		t.Fatal(err)
	}
	if id, _ := got["id"].(string); len(id) != len(want["id"].(string)) {
		t.Errorf("id is %v", got["id"])
	}
	sent, _ := got["resources"].([]any)[0].(string)
	rule := want["resources"].([]any)[0].(string)
	if start, name, ok := strings.Cut(sent, "/"); !ok || !strings.HasPrefix(rule, start+"/customercare-"+name+"-") {
		t.Errorf("the rule is %s, in the file %s", sent, rule)
	}
	for _, name := range []string{"id", "resources"} {
		delete(got, name)
		delete(want, name)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

// A schedule runs at once, and then at its rate.
func TestScheduleTicks(t *testing.T) {
	const ticks = `(?m)^tick: tick \{.*"detail-type":"Scheduled Event".*"source":"aws.events"`
	_, log, _ := start(t, Options{ScheduleEvery: time.Hour})
	log.await(t, ticks)
	_, log, _ = start(t, Options{ScheduleEvery: 200 * time.Millisecond})
	log.await(t, ticks+`(?s:.*)^tick: tick \{`)
}
