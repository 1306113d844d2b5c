package scale

import (
	"path/filepath"
	"regexp"
	"testing"

	"customercare/infra/local/template"
	"customercare/infra/testkit/dynamotest"
)

// Every setting that the page says moves a wall exists.
func TestMovers(t *testing.T) {
	root := dynamotest.Root()
	read, err := template.Load(filepath.Join(root, "template.yaml"), nil)
	if err != nil {
		t.Fatal(err)
	}
	resources, err := template.Resources(filepath.Join(root, "template.yaml"), nil)
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{"MemorySize": true, "WarmThroughput": true} // properties of AWS
	for name := range read.Parameters {
		known[name] = true
	}
	for _, r := range resources {
		known[r.ID] = true
	}
	s := source{root, nil}
	names := 0
	for _, w := range reading(t).walls() {
		for _, name := range regexp.MustCompile("`([A-Za-z]+)`").FindAllStringSubmatch(w.moves, -1) {
			names++
			_, erasure := s.value("shared/erasure", name[1])
			_, store := s.value("shared/store", name[1])
			_, cleanup := s.value("functions/cleanup", name[1])
			if !known[name[1]] && erasure != nil && store != nil && cleanup != nil {
				t.Errorf("%s: there is no %s", w.what, name[1])
			}
		}
	}
	if names < 10 {
		t.Errorf("only %d names were found", names)
	}
}
