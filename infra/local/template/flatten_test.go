package template

import (
	"maps"
	"strings"
	"testing"
)

// shared has mappings with anchors; resources below refer to them.
const shared = sections + `
Shared:
  first: &first {A: first, B: first, C: !Ref Name}
  second: &second {B: second, D: second}
  deep: &deep {<<: *first, B: deep}
  text: &text some text
  itself: [1]
`

func TestAliasesAndMergeKeysAreWrittenOut(t *testing.T) {
	for _, test := range []struct {
		name, variables string
		want            map[string]string
	}{
		{"the mapping's own key wins, before and after the merge", `
          B: own
          <<: *first
          A: own
`, map[string]string{"A": "own", "B": "own", "C": "n"}},
		{"the first of a list wins", `
          <<: [*second, *first]
`, map[string]string{"A": "first", "B": "second", "C": "n", "D": "second"}},
		{"a list with a mapping that has no anchor", `
          <<: [{D: here}, *second]
`, map[string]string{"A": "global", "B": "second", "D": "here"}},
		{"what is merged has merged itself", `
          <<: *deep
`, map[string]string{"A": "first", "B": "deep", "C": "n"}},
		{"a value", `
          D: *text
`, map[string]string{"A": "global", "D": "some text"}},
		{"a quoted key is a key", `
          "<<": D
`, map[string]string{"A": "global", "<<": "D"}},
	} {
		env, err := variables(t, shared, test.variables)
		test.want["G"] = "global"
		if err != nil || !maps.Equal(env, test.want) {
			t.Errorf("%s: %v, %v\nwant %v", test.name, env, err, test.want)
		}
	}
}

func TestAResourceMayBeMerged(t *testing.T) {
	template, err := parse([]byte(`
Resources:
  A: &function
    Type: AWS::Serverless::Function
    Properties: &properties {CodeUri: functions/a, MemorySize: 256, Timeout: 7}
  B:
    <<: *function
    Properties:
      <<: *properties
      CodeUri: functions/b
      Timeout: 9
`), nil, Settings{})
	if err != nil {
		t.Fatal(err)
	}
	a, _ := template.Function("a")
	b, _ := template.Function("b")
	if a.MemoryMB != 256 || b.MemoryMB != 256 || a.Timeout.Seconds() != 7 || b.Timeout.Seconds() != 9 {
		t.Errorf("%+v\n%+v", a, b)
	}
}

func TestWhatCannotBeMergedIsNamed(t *testing.T) {
	for text, want := range map[string]string{
		"A: &a\n  B: *a":             "line 1: a contains itself",
		"A: &a {B: 1}\nC: {<<: [1]}": "line 2: << wants a mapping or a list of mappings",
		"A: {<<: 1}":                 "line 1: << wants a mapping or a list of mappings",
		"A: {B: 1, B: 2}":            "line 1: B is there twice",
		"- A":                        "no mapping of sections",
		"":                           "no mapping of sections",
	} {
		if _, err := parse([]byte(text), nil, Settings{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}
