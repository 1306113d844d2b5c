package template

import (
	"regexp"
	"slices"
	"testing"

	"go.yaml.in/yaml/v3"
)

// SECURITY.md answers every rule of checkov that is left out, and no other.
func TestScannersFindingsAreAnswered(t *testing.T) {
	var settings struct {
		Skipped []string `yaml:"skip-check"`
	}
	if err := yaml.Unmarshal([]byte(text(t, ".checkov.yaml")), &settings); err != nil {
		t.Fatal(err)
	}
	var answered []string
	for _, row := range regexp.MustCompile("(?m)^\\| `(CKV\\w+)`: [^|]{10,} \\| [^|]{40,} \\|$").
		FindAllStringSubmatch(text(t, "SECURITY.md"), -1) {
		answered = append(answered, row[1])
	}
	if len(settings.Skipped) == 0 || !slices.Equal(settings.Skipped, answered) {
		t.Errorf("left out are %v, answered are %v", settings.Skipped, answered)
	}
}
