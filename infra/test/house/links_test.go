package house

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"customercare/infra/local/template"
)

// specifications are the links out of the repository: what others have written down and
// keep, and what docs/evidence.md leans on.
var specifications = regexp.MustCompile(`^https://c2sp\.org/[a-z-]+$`)

// TestLinks follows every link in the documents: the file is there, and the heading in
// it.
func TestLinks(t *testing.T) {
	for _, d := range documents(t) {
		for _, link := range d.links {
			if strings.Contains(link, "://") {
				if specifications.MatchString(link) {
					continue
				}
				t.Errorf("%s links outside the repository: %s", d.name, link)
				continue
			}
			file, anchor, _ := strings.Cut(link, "#")
			target := d.name
			if file != "" {
				target = path.Join(path.Dir(d.name), file)
			}
			if _, err := os.Stat(filepath.Join(root(t), target)); err != nil {
				t.Errorf("%s links to %s, which is not there", d.name, link)
				continue
			}
			if anchor != "" && !named(t, target).has(anchor) {
				t.Errorf("%s links to %s: %s has no such heading", d.name, link, target)
			}
		}
	}
}

// TestHeadingsAreUnique holds the anchors of one document apart: GitHub would number
// them.
func TestHeadingsAreUnique(t *testing.T) {
	for _, d := range documents(t) {
		seen := map[string]bool{}
		for _, h := range d.headings {
			if seen[h.anchor] {
				t.Errorf("%s has two headings #%s", d.name, h.anchor)
			}
			seen[h.anchor] = true
		}
	}
}

// alarmLink is how an alarm's description names its heading.
var alarmLink = regexp.MustCompile(` See docs/runbook\.md#([a-z-]+)$`)

// TestEveryAlarmHasItsHeading leads from a mail to the runbook: every alarm's
// description ends with a heading of docs/runbook.md, that section names the alarm, and
// no section about an alarm is left over.
func TestEveryAlarmHasItsHeading(t *testing.T) {
	resources, err := template.Resources(filepath.Join(root(t), "template.yaml"),
		map[string]string{"QuietAlarmMinutes": "30"}) // with every alarm
	if err != nil {
		t.Fatal(err)
	}
	runbook := named(t, "docs/runbook.md")
	linked := map[string]bool{}
	for _, r := range resources {
		if r.Type != "AWS::CloudWatch::Alarm" {
			continue
		}
		found := alarmLink.FindStringSubmatch(fmt.Sprint(r.Properties["AlarmDescription"]))
		if found == nil {
			t.Errorf("%s does not end with its heading: %v", r.ID, r.Properties["AlarmDescription"])
			continue
		}
		linked[found[1]] = true
		if section := runbook.section(found[1]); !regexp.MustCompile(`\b` + r.ID + `\b`).MatchString(section) {
			t.Errorf("docs/runbook.md#%s is not there, or does not name %s", found[1], r.ID)
		}
	}
	if len(linked) < 10 {
		t.Errorf("%d headings are linked", len(linked))
	}
	about := runbook.section("when-an-alarm-sounds")
	for _, h := range runbook.headings {
		if h.level == 3 && strings.Contains(about, h.section) && !linked[h.anchor] {
			t.Errorf("no alarm leads to docs/runbook.md#%s", h.anchor)
		}
	}
}
