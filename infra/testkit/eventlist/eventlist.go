// Package eventlist reads infra/events/README.md, which says what each function answers
// to the events beside it, on the demo data and in the order of that list.
package eventlist

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"customercare/infra/testkit/dynamotest"
)

// Event is a row of the list.
type Event struct {
	Name     string // of the file, without ".json"
	Function string // that gets it, by its name in template.yaml
	// Status is that of the answer to a call of the API, with its media type. It is empty
	// where Answer is all that the function returns.
	Status string
	Answer string // any text may stand in place of each "..."
}

// row is a line of the table: four cells, of which the third may be empty.
var row = regexp.MustCompile("(?m)^\\| `([^`]+)\\.json` \\| `([^`]+)` \\| (?:`([^`]+)` )?\\| `([^`]+)` \\|$")

// Read gives the whole list. A line that looks like a row and is none fails the test.
func Read(t testing.TB) (all []Event) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dynamotest.Root(), "infra", "events", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, found := range row.FindAllStringSubmatch(string(text), -1) {
		all = append(all, Event{found[1], found[2], found[3], found[4]})
	}
	if lines := strings.Count(string(text), "\n| `"); len(all) == 0 || lines != len(all) {
		t.Fatalf("infra/events/README.md has %d rows, of which %d can be read", lines, len(all))
	}
	return all
}

// Check says what is wrong with what the function has returned, or nil. Blanks between
// the parts of JSON do not matter: `sam local invoke` adds some.
func (e Event) Check(returned []byte) error {
	var compact bytes.Buffer
	if err := json.Compact(&compact, returned); err != nil {
		return fmt.Errorf("it returned %q: %w", returned, err)
	}
	status, answer := "", compact.String()
	if e.Status != "" {
		var proxied struct {
			StatusCode        int
			MultiValueHeaders map[string][]string
			Body              string
		}
		if err := json.Unmarshal(returned, &proxied); err != nil {
			return fmt.Errorf("it returned %s: %w", answer, err)
		}
		media := strings.Join(proxied.MultiValueHeaders["Content-Type"], "|")
		status, answer = fmt.Sprint(proxied.StatusCode, " ", media), strings.TrimSpace(proxied.Body)
	}
	like := strings.ReplaceAll(regexp.QuoteMeta(e.Answer), `\.\.\.`, `.*`)
	if status != e.Status || !regexp.MustCompile(`(?s)^`+like+`$`).MatchString(answer) {
		return fmt.Errorf("it answered %q %s\ninfra/events/README.md has %q %s", status, answer, e.Status, e.Answer)
	}
	return nil
}
