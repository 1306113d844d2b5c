package stack

import (
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"customercare/infra/local/template"
)

// A schedule sends what EventBridge is documented to send ("Amazon EventBridge events
// detail reference"), as the file has it; only the id is another, and the rule's name,
// which CloudFormation makes longer.
func TestScheduleSendsItsEvent(t *testing.T) {
	raw, err := os.ReadFile("../../events/cleanup.json")
	if err != nil {
		t.Fatal(err)
	}
	var want, got map[string]any
	if err := json.Unmarshal(raw, &want); err != nil {
		t.Fatal(err)
	}
	real, err := template.Load("../../../template.yaml", nil)
	if err != nil || len(real.Schedules) != 1 {
		t.Fatalf("%v, %v", real, err)
	}
	at, err := time.Parse(time.RFC3339, want["time"].(string))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(scheduledEvent(real.Schedules[0], at, "us-east-1"), &got); err != nil {
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
